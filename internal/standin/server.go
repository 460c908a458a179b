// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// maxConnections bounds the concurrent connections, and maxOfSource those from one address. Each kube-apiserver needs
	// one, and a few while it reconnects.
	maxConnections, maxOfSource = 512, 16
	// maxStreams bounds the concurrent requests of a connection: each response is in memory until it is written.
	maxStreams = 32
	// maxHeaderBytes is more than kube-apiserver sends about a user.
	maxHeaderBytes = 32 << 10
	readTimeout    = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	// writeTimeout bounds how long a slow client holds a response in memory.
	writeTimeout = 30 * time.Second
	// shutdownTimeout is for responses in progress, which take milliseconds.
	shutdownTimeout = 5 * time.Second
)

// Listen returns a server on address that runs until the manager ends, on every replica of the operator: the one that
// does not lead, too.
func Listen(address string, certificates *Certificates, handler http.Handler) (manager.Runnable, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // it is closed with the server
	if err != nil {
		return nil, fmt.Errorf("listening for the stand-in (--stand-in-bind-address): %w", err)
	}
	logger := ctrl.Log.WithName("stand-in")
	return &manager.Server{
		Name: "stand-in",
		Server: &http.Server{
			Handler:           handler,
			MaxHeaderBytes:    maxHeaderBytes,
			ReadHeaderTimeout: readTimeout,
			ReadTimeout:       readTimeout,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			IdleTimeout:       idleTimeout,
			WriteTimeout:      writeTimeout,
			BaseContext:       func(net.Listener) context.Context { return ctrl.LoggerInto(context.Background(), logger) },
		},
		Listener: tls.NewListener(perSource(netutil.LimitListener(listener, maxConnections), maxOfSource), &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"h2", "http/1.1"},
			GetCertificate: certificates.Current,
		}),
		ShutdownTimeout: new(shutdownTimeout),
	}, nil
}
