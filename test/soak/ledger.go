// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// holderIn is the holder that a write of the lease names, in whatever encoding: one that gives it up names none.
func holderIn(body []byte) string {
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	lease, ok := object.(*coordinationv1.Lease)
	if err != nil || !ok || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// ledger knows which run of which replica holds the lease and who writes. A run is one process of the operator. Safe for
// concurrent use.
type ledger struct {
	report *report
	log    io.Writer

	mu       sync.Mutex
	electing bool   // else there is one replica, and no lease
	holder   string // empty: nobody
	// runs are known by what they call themselves in the lease. Another run can write a name only after its own has.
	runs map[string]string
}

// elect begins anew, with or without a lease.
func (l *ledger) elect(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.electing, l.holder = on, ""
}

// leased notes that the API server carried out a write of the lease by a run. It need not be the holder: each replica puts its
// key into the lease.
func (l *ledger) leased(run, identity string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs = map[string]string{"": ""}
	}
	if _, known := l.runs[identity]; !known {
		l.runs[identity] = run
	}
	before := l.holder
	if l.holder = l.runs[identity]; l.holder == before {
		return
	}
	fmt.Fprintf(l.log, "%s the lease goes from %q to %q\n", stamp(), before, l.holder)
	if l.holder == run {
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
