// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"runtime"
	"sync"
	"weak"
)

// maxCA bounds the certificates to trust besides the system's, in bytes of PEM: all public authorities take less. They are in memory for
// as long as a source uses them.
const maxCA = 512 << 10

// authorities keeps one certificate pool for each content of ca.crt that is in use. Many sources may name one Secret: what is made of the
// largest that is allowed takes 0.7 MB and up to 3 MB once certificates were checked against it, and tens of milliseconds to parse.
type authorities struct {
	mu    sync.Mutex
	pools map[[sha256.Size]byte]weak.Pointer[x509.CertPool] // a pool goes with the last transport that has it
}

// with returns the system's certificate authorities and these. Callers must not change the pool, which others have, too. It is nil if ca is
// empty, which means the system's and takes no memory for each source. The error is a *ConfigError.
func (a *authorities) with(ca []byte) (*x509.CertPool, error) {
	if len(ca) == 0 {
		return nil, nil
	}
	if len(ca) > maxCA {
		return nil, &ConfigError{Field: "ca.crt", Message: fmt.Sprintf("ca.crt in the Secret has %d KiB; at most %d are allowed: "+
			"store only the certificate authority of the server there.", len(ca)>>10, maxCA>>10)}
	}
	content := sha256.Sum256(ca)
	if known := a.keep(content, nil); known != nil {
		return known, nil
	}
	parsed, err := rootsWith(ca) // without the lock: nobody else waits for it
	if err != nil {
		return nil, err
	}
	return a.keep(content, parsed), nil
}

// keep returns the pool that is known for a content. If there is none, that is the one given, unless it is nil.
func (a *authorities) keep(content [sha256.Size]byte, parsed *x509.CertPool) *x509.CertPool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.pools[content].Value(); known != nil || parsed == nil {
		return known
	}
	if a.pools == nil {
		a.pools = map[[sha256.Size]byte]weak.Pointer[x509.CertPool]{}
	}
	a.pools[content] = weak.Make(parsed)
	runtime.AddCleanup(parsed, a.forget, content)
	return parsed
}

// forget removes a content whose pool is gone, unless it has a new one.
func (a *authorities) forget(content [sha256.Size]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pools[content].Value() == nil {
		delete(a.pools, content)
	}
}

// rootsWith parses certificates, and adds them to the system's. The error is a *ConfigError.
func rootsWith(ca []byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(ca) {
		return nil, &ConfigError{Field: "ca.crt",
			Message: "There is no certificate in ca.crt of the Secret. Put one there in PEM (BEGIN CERTIFICATE), or remove ca.crt."}
	}
	return roots, nil
}
