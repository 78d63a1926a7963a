// SPDX-License-Identifier: Apache-2.0

// Package commands finds credentials that are recognised by their place instead of a name: in commands of shells and protocols
// (Command, Option), in the input of commands (Pipe, HereString), and in lines of fields whose order is known (Fields, Star). It looks at
// no name that means a credential.
package commands
