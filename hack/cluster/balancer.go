// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	checkInterval = 500 * time.Millisecond
	checkTimeout  = 2 * time.Second
	// failedChecks is how many make a kube-apiserver unhealthy: a machine may be busy.
	failedChecks = 3
	dialTimeout  = time.Second
)

// balancer passes connections to healthy kube-apiservers in turn. It is for the components and the administrator: the
// Pods use the Service.
type balancer struct {
	backends []*backend
	mu       sync.Mutex
	next     int
}

// backend is a kube-apiserver. Its connections are closed when it becomes unhealthy, as one that hangs does not.
type backend struct {
	address string
	mu      sync.Mutex
	failed  int
	open    map[net.Conn]struct{}
}

// balance listens at the balancer's address.
func (c cluster) balance(ctx context.Context, r record) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	client.Timeout = checkTimeout
	b := &balancer{}
	for _, address := range r.kubeAPIServers() {
		backend := newBackend(net.JoinHostPort(address, securePort))
		b.backends = append(b.backends, backend)
		go backend.watch(ctx, client)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(r.Network.balancer(), securePort))
	if err != nil {
		return err
	}
	return b.serve(ctx, listener)
}

func newBackend(address string) *backend {
	return &backend{address: address, failed: failedChecks, open: map[net.Conn]struct{}{}}
}

func (b *balancer) serve(ctx context.Context, listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go b.pass(ctx, connection)
	}
}

// pass connects to the first backend that accepts, and closes the connection if there is none.
func (b *balancer) pass(ctx context.Context, connection net.Conn) {
	defer func() { _ = connection.Close() }()
	for _, backend := range b.inTurn() {
		if server, err := backend.dial(ctx); err == nil {
			join(connection, server)
			backend.forget(server)
			return
		}
	}
}

// inTurn returns the healthy backends, starting with another one each time.
func (b *balancer) inTurn() []*backend {
	b.mu.Lock()
	b.next++
	first := b.next
	b.mu.Unlock()
	var healthy []*backend
	for i := range b.backends {
		if backend := b.backends[(first+i)%len(b.backends)]; backend.isHealthy() {
			healthy = append(healthy, backend)
		}
	}
	return healthy
}

// join copies in both directions until one side closes.
func join(a, b net.Conn) {
	done := make(chan struct{}, 2)
	for _, direction := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			_, _ = io.Copy(direction[0], direction[1])
			done <- struct{}{}
		}()
	}
	<-done
	_, _ = a.Close(), b.Close()
	<-done
}

func (b *backend) dial(ctx context.Context) (net.Conn, error) {
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", b.address)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[connection] = struct{}{}
	return connection, nil
}

func (b *backend) forget(connection net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, connection)
}

func (b *backend) isHealthy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed < failedChecks
}

func (b *backend) watch(ctx context.Context, client *http.Client) {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for {
		b.note(get(ctx, client, "https://"+b.address+"/readyz", nil))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// note counts failed checks, and closes the connections of a backend that has become unhealthy.
func (b *backend) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failed = 0
		return
	}
	if b.failed++; b.failed == failedChecks {
		for connection := range b.open {
			_ = connection.Close()
		}
	}
}
