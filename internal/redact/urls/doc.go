// SPDX-License-Identifier: Apache-2.0

// Package urls finds credentials in URLs: user infos (Authority, UserInfo), keys in paths, parameters of queries whose value looks like
// one (Param). It must not rely on well-formed URLs. Names that mean a credential are package dress's, in URLs as everywhere.
package urls
