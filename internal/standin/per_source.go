// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net"
	"sync"
)

// perSource returns a listener that closes connections from an address that has limit others: no single Pod may keep
// kube-apiserver from connecting.
func perSource(listener net.Listener, limit int) net.Listener {
	return &sourceLimited{Listener: listener, limit: limit, open: map[string]int{}}
}

type sourceLimited struct {
	net.Listener
	limit int

	mu   sync.Mutex
	open map[string]int
}

// Accept implements net.Listener.
func (l *sourceLimited) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source, _, _ := net.SplitHostPort(connection.RemoteAddr().String())
		if l.admit(source) {
			return &counted{Conn: connection, release: sync.OnceFunc(func() { l.release(source) })}, nil
		}
		_ = connection.Close()
	}
}

func (l *sourceLimited) admit(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source] >= l.limit {
		return false
	}
	l.open[source]++
	return true
}

func (l *sourceLimited) release(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source]--; l.open[source] == 0 {
		delete(l.open, source)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.release()
	return c.Conn.Close()
}
