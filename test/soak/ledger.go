// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"
)

// identity is how a candidate names itself in the lease: host name and a random UUID.
var identity = regexp.MustCompile(`_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// holderIn returns whom a write of the lease, in whatever encoding, names as its holder: one that gives it up names nobody.
func holderIn(body []byte) string { return string(identity.Find(body)) }

// ledger knows which run of which replica holds the lease and who writes. A run is one process of the operator. Safe for
// concurrent use.
type ledger struct {
	report *report
	log    io.Writer

	mu       sync.Mutex
	electing bool   // else there is one replica, and no lease
	holder   string // empty: nobody
	named    string // how the holder names itself
}

// elect begins anew, with or without a lease.
func (l *ledger) elect(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.electing, l.holder, l.named = on, "", ""
}

// leased notes that the API server carried out a write of the lease that names this holder. Replicas that wait write it as well,
// to add what belongs to them, and leave the holder as it is.
func (l *ledger) leased(run, holder string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.holder
	switch {
	case holder == "" && l.holder == run:
		l.holder, l.named = "", ""
	case holder != "" && holder != l.named:
		l.holder, l.named = run, holder
	}
	if l.holder == before {
		return
	}
	fmt.Fprintf(l.log, "%s the lease goes from %q to %q\n", stamp(), before, l.holder)
	if l.holder != "" {
		l.report.add(leaderChanges, 1)
	}
}

// wrote notes that a run is about to write something of the mirror, which only the holder of the lease may do.
func (l *ledger) wrote(run, method, path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.add(writes, 1)
	fmt.Fprintf(l.log, "%s %s %s %s\n", stamp(), run, method, path)
	if l.electing && run != l.holder {
		l.report.wrong(writesAfterLoss, "%s sent %s %s while %q held the lease", run, method, path, l.holder)
	}
}

// note writes something down that may explain what comes after it.
func (l *ledger) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.log, stamp()+" "+format+"\n", args...)
}

func (l *ledger) leader() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder
}

func stamp() string { return time.Now().Format("15:04:05.000000") }
