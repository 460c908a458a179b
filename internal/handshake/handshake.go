// SPDX-License-Identifier: Apache-2.0

// Package handshake looks at the certificates that a server really serves. That takes no credentials: the connection is
// closed after the TLS handshake, before anything is sent.
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

// timeout is for all of one look.
const timeout = 3 * time.Second

// Served returns the chain that address (host:port) serves to clients that ask for host, the server's own certificate
// first. Nothing of it is verified, but a chain longer than any client needs is an error. An error has the same words
// each time the same thing happens.
func Served(ctx context.Context, address, host string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName: host,
		MinVersion: tls.VersionTLS12,
		// The question is what is served, not whether it is good.
		InsecureSkipVerify: true, //nolint:gosec // nothing is sent over the connection
	}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { _ = connection.Close() }()
	chain := connection.(*tls.Conn).ConnectionState().PeerCertificates //nolint:forcetypeassert // as tls.Dialer says
	if len(chain) > limits.Chain {
		return nil, fmt.Errorf("it serves a chain of more than %d certificates", limits.Chain)
	}
	return chain, nil
}

// explain leaves out the ports, which are others each time. What a certificate says may be in the words of the error.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no handshake within %s", timeout)
	}
	words := err.Error()
	if wrapped, ok := errors.AsType[*net.OpError](err); ok {
		words = fmt.Sprintf("%s: %v", wrapped.Op, wrapped.Err)
	}
	return errors.New(excerpt.Of(words, maxWords))
}

// maxWords is how much is said of a failure.
const maxWords = 200
