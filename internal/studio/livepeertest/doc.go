// SPDX-License-Identifier: Apache-2.0

// Package livepeertest is a simulated Livepeer Studio for tests, demonstrations and benchmarks: NewServer is an in-memory task store
// behind an http.Handler that answers GET /api/task, GET /api/task/{id} and POST /api/task/{id}/retry as the real server software
// was recorded to do, sends webhooks, and has faults to switch on (Fault, DeliveryFault). NewSimulator lets its tasks live
// believable lives; what they look like is life.go (status) and generate_shapes.go (params and output).
//
// It must not be imported by what is shipped.
package livepeertest
