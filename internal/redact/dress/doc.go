// SPDX-License-Identifier: Apache-2.0

// Package dress finds names that mean a credential and masks the values beside them (Name, Option), in any notation ("dress"):
// assignments, pairs, records, markup, tables, options of commands, commands of protocols. It knows no form of a token.
package dress
