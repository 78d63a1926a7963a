// SPDX-License-Identifier: Apache-2.0

package freeport_test

import (
	"net"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

// The port of a connection, free when a test asked for one, was taken when its etcd began: a red test in hundreds of runs.
func TestPortsAreNotThoseOfConnections(t *testing.T) {
	g := NewWithT(t)
	for range 100 {
		address, err := freeport.Address(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		host, port, err := net.SplitHostPort(address)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(host).To(Equal("127.0.0.1"))
		g.Expect(strconv.Atoi(port)).To(And(BeNumerically(">=", 1024), BeNumerically("<", 32768)))
	}
}

func TestPortsOfOthersAreLeftAlone(t *testing.T) {
	g := NewWithT(t)
	var taken []string
	for range 500 { // of 10,000: chance alone would give some of them twice, save once in 200,000 runs
		address, err := freeport.Address(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(taken).NotTo(ContainElement(address))
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		g.Expect(err).NotTo(HaveOccurred())
		t.Cleanup(func() { _ = listener.Close() })
		taken = append(taken, address)
	}
}
