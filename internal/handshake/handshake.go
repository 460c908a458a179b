// SPDX-License-Identifier: Apache-2.0

// Package handshake reads the certificates that a server actually serves. That needs no credentials: the connection is
// closed after the TLS handshake, before any data is sent.
package handshake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// timeout bounds connecting and the handshake together.
const timeout = 3 * time.Second

// Served returns the chain that address (host:port) serves for the server name host, the leaf certificate first. The
// chain is not verified, but one longer than any client needs is an error. The same failure always has the same error
// text.
func Served(ctx context.Context, address, host string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := net.Dialer{}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, explain(err)
	}
	return over(ctx, connection, host)
}

// Over returns the same from a connection, which it closes.
func Over(ctx context.Context, connection net.Conn, host string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return over(ctx, connection, host)
}

func over(ctx context.Context, connection net.Conn, host string) ([]*x509.Certificate, error) {
	defer func() { _ = connection.Close() }()
	client := tls.Client(connection, &tls.Config{
		ServerName: host,
		MinVersion: tls.VersionTLS12,
		// The chain is only read, not verified.
		InsecureSkipVerify: true, //nolint:gosec // nothing is sent over the connection
	})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, explain(err)
	}
	chain := client.ConnectionState().PeerCertificates
	if len(chain) > limits.Chain {
		return nil, fmt.Errorf("it serves a chain of more than %d certificates", limits.Chain)
	}
	return chain, nil
}

// explain omits the ports, which vary. The error may contain text from the certificate.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no handshake within %s", timeout)
	}
	text := err.Error()
	if wrapped, ok := errors.AsType[*net.OpError](err); ok {
		text = fmt.Sprintf("%s: %v", wrapped.Op, wrapped.Err)
	}
	return errors.New(excerpt.Of(text, maxText))
}

// maxText is how many bytes of an error are quoted.
const maxText = 200
