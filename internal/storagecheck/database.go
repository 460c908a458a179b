// SPDX-License-Identifier: Apache-2.0

package storagecheck

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"

	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// sslRequest requests TLS of a PostgreSQL before anything else is sent (PostgreSQL's protocol, SSLRequest). It answers
// with one byte.
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// databaseAnswer finds out whether a database answers, and what certificate it serves. It does not log in: the replicas
// of the server do, and their checks show whether they can.
func databaseAnswer(ctx context.Context, endpoint storage.Endpoint) (answer storage.Answer) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := newDialer().DialContext(ctx, "tcp", endpoint.Dial)
	if err != nil {
		return storage.Answer{Err: cause(err, timeout)}
	}
	defer func() { _ = connection.Close() }()
	deadline, _ := ctx.Deadline()
	_ = connection.SetDeadline(deadline)
	first := make([]byte, 1)
	if endpoint.Protocol == storage.PostgreSQL {
		_, err = connection.Write(sslRequest)
	}
	if err == nil {
		_, err = io.ReadFull(connection, first)
	}
	if err != nil {
		return storage.Answer{Err: errors.New("it accepts connections, but does not answer as a " +
			string(endpoint.Protocol))}
	}
	if endpoint.Protocol == storage.PostgreSQL && first[0] == 'S' {
		answer.Chain = served(ctx, connection)
	}
	return answer
}

// served returns the chain that a server serves.
func served(ctx context.Context, connection net.Conn) []*x509.Certificate {
	client := tls.Client(connection, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // nothing is sent; only the expiry is read
	})
	if client.HandshakeContext(ctx) != nil {
		return nil
	}
	return client.ConnectionState().PeerCertificates
}
