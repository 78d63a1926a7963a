// SPDX-License-Identifier: Apache-2.0

// Package livepeertest is a simulated Livepeer Studio for tests, demonstrations and benchmarks: NewServer is an in-memory task store
// behind an http.Handler that answers GET /api/task, GET /api/task/{id} and POST /api/task/{id}/retry as recorded from the real server
// software, sends webhooks, and has faults to switch on (Fault, DeliveryFault). NewSimulator lets its tasks live believable lives;
// life.go makes their status, generate_shapes.go their params and output.
//
// It must not be imported by what is shipped.
package livepeertest
