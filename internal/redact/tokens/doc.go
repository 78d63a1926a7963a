// SPDX-License-Identifier: Apache-2.0

// Package tokens finds credentials that stand for themselves: those known by their form (Token, Infix, PrivateKey), and the secrets that
// are in use (SecretsOf, Known). It looks at no name beside them.
package tokens
