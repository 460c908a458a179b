// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	return &backend{ca: signer.Certificate, certificate: certificate}, err
}

// serve returns the first size APIs, which are served from now on.
func (b *backend) serve(ctx context.Context, size int) ([]api, error) {
	var apis []api
	for number := range size {
		served := apiOf(number)
		apis = append(apis, served)
		if number < len(b.servers) {
			continue
		}
		if err := b.listen(ctx, served); err != nil {
			return nil, err
		}
	}
	return apis, nil
}

func (b *backend) listen(ctx context.Context, served api) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", fmt.Sprintf(":%d", served.port))
	if err != nil {
		return err
	}
	handler := extensionserver.New(served.GroupVersion)
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		TLSConfig: handler.TLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &b.certificate, nil
		}),
	}
	b.servers = append(b.servers, server)
	go func() { _ = server.ServeTLS(listener, "", "") }() // it ends with the program
	return nil
}

func (b *backend) close() {
	for _, server := range b.servers {
		_ = server.Close()
	}
}
