// SPDX-License-Identifier: Apache-2.0

// Package commands finds credentials that have no name beside them, but a place: in commands of shells and protocols (Command, Option),
// in what commands are given to read (Pipe, HereString), and in lines whose fields are told by their order (Fields, Star). It looks at no
// name that means a credential.
package commands
