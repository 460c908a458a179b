// SPDX-License-Identifier: Apache-2.0

package connect_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
)

var pod = types.NamespacedName{Namespace: "shop", Name: "api-a"}

func TestACertificateIsReadOverAForwardedPort(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	cluster := connecttest.Cluster(t, connecttest.Forwarding(server.Listener.Addr().String(), http.NotFoundHandler()))
	err := cluster.OverPort(t.Context(), pod, 8443, func(connection net.Conn) error {
		chain, err := handshake.Over(t.Context(), connection, "shop.shop.svc")
		if err == nil && !chain[0].Equal(server.Certificate()) {
			t.Error("the certificate is another one")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheKubeletSaysWhyAPortCannotBeForwarded(t *testing.T) {
	cluster := connecttest.Cluster(t, connecttest.Forwarding("127.0.0.1:1", http.NotFoundHandler()))
	err := cluster.OverPort(t.Context(), pod, 8443, func(connection net.Conn) error {
		_, err := handshake.Over(t.Context(), connection, "shop.shop.svc")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "the kubelet cannot connect: dial tcp 127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
}

func TestForwardingEndsWithItsContext(t *testing.T) {
	requested, release := make(chan struct{}, 1), make(chan struct{})
	cluster := connecttest.Cluster(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requested <- struct{}{}
		<-release
	}))
	t.Cleanup(func() { close(release) }) // before the server, which waits for its requests
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-requested
		cancel()
	}()
	err := cluster.OverPort(ctx, pod, 8443, func(net.Conn) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
