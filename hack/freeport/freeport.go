// SPDX-License-Identifier: Apache-2.0

// Package freeport finds ports on loopback for servers that have to be told theirs: in tests, demo and benchmark.
package freeport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Below those that kernels give to outgoing connections (from 32768 on Linux, from 49152 elsewhere): one of these, free a
// moment ago, may belong to some connection before its server listens, and the server can't start, however often it tries.
const (
	first = 10000
	count = 10000
)

// Address returns an address on loopback, 127.0.0.1 and a port, where nobody listens.
func Address(ctx context.Context) (string, error) {
	var errs []error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(count)))
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// Port returns the port of such an address.
func Port(ctx context.Context) (string, error) {
	address, err := Address(ctx)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(address)
	return port, err
}
