// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net"
	"testing"
)

var errUnhealthy = errors.New("not ready")

func TestConnectionsGoToHealthyBackendsInTurn(t *testing.T) {
	a, b, c := answering(t, "a"), answering(t, "b"), answering(t, "c")
	balancer := startBalancer(t, a, b, c)
	if got := answers(t, balancer, 3); got["a"] != 0 || got["b"] != 0 || got["c"] != 0 {
		t.Errorf("before the first checks, got answers %v", got)
	}
	for _, backend := range []*backend{a, b, c} {
		backend.note(nil)
	}
	if got := answers(t, balancer, 6); got["a"] != 2 || got["b"] != 2 || got["c"] != 2 {
		t.Errorf("while all are healthy, got answers %v", got)
	}
	for range failedChecks {
		b.note(errUnhealthy)
	}
	if got := answers(t, balancer, 6); got["b"] != 0 || got["a"]+got["c"] != 6 {
		t.Errorf("while b is unhealthy, got answers %v", got)
	}
	c.address = "127.0.0.1:1" // refuses connections, and no check has failed yet
	if got := answers(t, balancer, 4); got["a"] != 4 {
		t.Errorf("while c has exited, got answers %v", got)
	}
}

func TestConnectionsToABackendEndWhenItHangs(t *testing.T) {
	hung := newBackend(listen(t, func(connection net.Conn) { _, _ = io.Copy(io.Discard, connection) }))
	hung.note(nil)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", startBalancer(t, hung))
	if err != nil {
		t.Fatal(err)
	}
	for hung.count() == 0 {
		if _, err := connection.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range failedChecks {
		hung.note(errUnhealthy)
	}
	if _, err := connection.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}

func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open)
}

// answering returns a backend that answers each connection with its name, and has not been checked.
func answering(t *testing.T, name string) *backend {
	t.Helper()
	return newBackend(listen(t, func(connection net.Conn) { _, _ = connection.Write([]byte(name)) }))
}

func listen(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				handle(connection)
				_ = connection.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func startBalancer(t *testing.T, backends ...*backend) (address string) {
	t.Helper()
	b := &balancer{backends: backends}
	return listen(t, func(connection net.Conn) { b.pass(t.Context(), connection) })
}

// answers returns how often each backend answered.
func answers(t *testing.T, address string, connections int) map[string]int {
	t.Helper()
	found := map[string]int{}
	for range connections {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(connection)
		if err != nil {
			t.Fatal(err)
		}
		found[string(content)]++
		_ = connection.Close()
	}
	return found
}
