// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials: New makes a Redactor that also knows the secrets in use, Redactor.URL, Text and JSON mask, and
// Plain removes what a terminal would act on. It is pure: no I/O and no state. It must not rely on well-formed input.
//
// A text is decoded (package view) and scanned once, from left to right. Masked are values beside a name that means a credential, in
// any notation; credentials in URLs, or recognised by their place in a command; tokens that are known by their form; and the secrets
// that a Redactor knows. The time is linear in the length of any text. Masking a masked text changes nothing.
package redact
