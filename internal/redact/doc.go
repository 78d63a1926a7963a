// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials: New makes a Redactor that also knows the secrets in use, Redactor.URL, Text and JSON mask, and
// Plain takes out what a terminal would act on. It is pure: no I/O and no state. It must not rely on well-formed input.
//
// A text is gone through once, from left to right, in a form in which nothing is encoded any more. What is masked:
// values beside a name that means a credential, in whatever dress; credentials in URLs; tokens that are known by their form; and the
// secrets that a Redactor knows. The time it takes is linear in the length of the text, whatever that consists of. Masking
// what is already masked changes nothing.
package redact
