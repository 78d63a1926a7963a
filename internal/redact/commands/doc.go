// SPDX-License-Identifier: Apache-2.0

// Package commands finds credentials that are recognised by their place instead of a name: in commands of shells and protocols
// (Command, Option), in the input of commands (Pipe, HereString), in lines of fields whose order is known (Fields, Star), and in rows that
// databases print. It looks at no name of a value, save at that of the table.
package commands
