// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const (
	// namespace is that of all Services.
	namespace = "scale"
	// firstPort is that of the first API.
	firstPort = 20000
	validity  = 24 * time.Hour
)

// api is one extension API.
type api struct {
	name string
	schema.GroupVersion
	port int32
}

// apiOf is the API with a number.
func apiOf(number int) api {
	name := fmt.Sprintf("api-%04d", number)
	return api{
		name: name, GroupVersion: schema.GroupVersion{Group: name + ".example.com", Version: "v1"},
		port: int32(firstPort + number), //nolint:gosec // G115: at most maxSize
	}
}

// backend serves APIs, each on a port of its own.
type backend struct {
	ca          []byte
	certificate tls.Certificate
	servers     []*http.Server

	mu sync.Mutex
	// issued are the certificates of servers that the operator runs, by the names of their APIs; none otherwise.
	issued func(name string) (*tls.Certificate, error)
	// handlers are the servers behind the common port of the Services of these, by DNS name.
	handlers map[string]http.Handler
}

func newBackend() (*backend, error) {
	signer, err := pki.NewSigner("scale", time.Now(), validity)
	if err != nil {
		return nil, err
	}
	serving, err := signer.IssueServing([]string{"*." + namespace + ".svc"}, time.Now(), validity)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(serving.Certificate, serving.Key)
	return &backend{ca: signer.Certificate, certificate: certificate, handlers: map[string]http.Handler{}}, err
}

// serve returns the first size APIs, which are served from now on.
func (b *backend) serve(ctx context.Context, size int) ([]api, error) {
	var apis []api
	for number := range size {
		served := apiOf(number)
		apis = append(apis, served)
		if number < b.listening() {
			continue
		}
		if err := b.listen(ctx, served); err != nil {
			return nil, err
		}
	}
	return apis, nil
}

func (b *backend) listening() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.handlers)
}

func (b *backend) listen(ctx context.Context, served api) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", fmt.Sprintf(":%d", served.port))
	if err != nil {
		return err
	}
	handler := extensionserver.New(served.GroupVersion)
	b.mu.Lock()
	b.handlers[hostOf(served.name)] = handler
	b.mu.Unlock()
	b.start(listener, handler, handler.TLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return b.certificateOf(served.name)
	}))
	return nil
}

// listenForServices serves what is behind the Services that the operator creates: all of them have the same port.
func (b *backend) listenForServices(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", ":443")
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		b.mu.Lock()
		server := b.handlers[request.TLS.ServerName]
		b.mu.Unlock()
		if server == nil {
			http.NotFound(w, request)
			return
		}
		server.ServeHTTP(w, request)
	})
	b.start(listener, handler, extensionserver.New().TLS(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name, _, _ := strings.Cut(hello.ServerName, ".")
		return b.certificateOf(name)
	}))
	return nil
}

func (b *backend) start(listener net.Listener, handler http.Handler, config *tls.Config) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute, TLSConfig: config,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	b.servers = append(b.servers, server)
	go func() { _ = server.ServeTLS(listener, "", "") }() // it ends with the program
}

func hostOf(name string) string { return name + "." + namespace + ".svc" }

func (b *backend) certificateOf(name string) (*tls.Certificate, error) {
	b.mu.Lock()
	issued := b.issued
	b.mu.Unlock()
	if issued == nil {
		return &b.certificate, nil
	}
	return issued(name)
}

// serveIssued makes servers serve the certificates that the operator stores in the cluster, nil for the backend's own.
func (b *backend) serveIssued(issued func(name string) (*tls.Certificate, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.issued = issued
}

func (b *backend) close() {
	for _, server := range b.servers {
		_ = server.Close()
	}
}
