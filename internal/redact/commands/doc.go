// SPDX-License-Identifier: Apache-2.0

// Package commands finds credentials that have no name beside them, but a place: in commands of shells and protocols (Command, Option),
// and in lines whose fields are told by their order (Fields, Pipe). It looks at no name that means a credential.
package commands
