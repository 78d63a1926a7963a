// SPDX-License-Identifier: Apache-2.0

// Package words says what words mean: whether a name means a credential, and how surely (StrengthOf); whether a value looks like
// one, or is something that people need to read (Opaque, Mixed, IsFile, IsNothing and others). Its vocabulary is data (vocabulary.txt).
// It sees a name or a value alone, and not where that stands.
package words
