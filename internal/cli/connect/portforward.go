// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// OverPort lets use a connection to a port of a Pod, by way of kube-apiserver and the kubelet, as kubectl port-forward
// does. It needs permission to create pods/portforward.
func (c *Cluster) OverPort(ctx context.Context, pod types.NamespacedName, port int32, use func(net.Conn) error) error {
	dialer, err := c.dialer(pod)
	if err != nil {
		return err
	}
	connection, err := dial(ctx, dialer)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	failure, data, err := streams(connection, port)
	if err != nil {
		return err
	}
	local, remote := net.Pipe()
	defer func() { _ = local.Close() }()
	refused := make(chan error, 1)
	go func() { _, _ = io.Copy(data, remote) }()
	go func() {
		defer func() { _ = remote.Close() }()
		_, _ = io.Copy(remote, data)
		refused <- refusal(failure) // before the end of the connection shows
	}()
	if err = use(local); err == nil {
		return nil
	}
	select {
	case cause := <-refused:
		return cmp.Or(cause, err)
	default:
		return err
	}
}

// dialer tries WebSockets first, which kube-apiserver knows since Kubernetes 1.30, as kubectl does.
func (c *Cluster) dialer(pod types.NamespacedName) (httpstream.Dialer, error) {
	address := c.base.JoinPath("api", "v1", "namespaces", pod.Namespace, "pods", pod.Name, "portforward")
	overWebSockets, err := portforward.NewSPDYOverWebsocketDialerForStreaming(address, c.config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	overSPDY := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, address)
	return portforward.NewFallbackDialerForStreaming(overWebSockets, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// dial returns at the end of the context, which the dialer does not know.
func dial(ctx context.Context, dialer httpstream.Dialer) (httpstream.Connection, error) {
	type result struct {
		connection httpstream.Connection
		err        error
	}
	dialed := make(chan result, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		dialed <- result{connection, err}
	}()
	select {
	case <-ctx.Done():
		go func() {
			if late := <-dialed; late.err == nil {
				_ = late.connection.Close()
			}
		}()
		return nil, ctx.Err()
	case got := <-dialed:
		return got.connection, got.err
	}
}

// streams opens the pair of streams that each connection to a port consists of (k8s.io/client-go tools/portforward).
func streams(connection httpstream.Connection, port int32) (failure, data httpstream.Stream, err error) {
	header := http.Header{}
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	header.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	failure, err = connection.CreateStream(header)
	if err != nil {
		return nil, nil, err
	}
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err = connection.CreateStream(header)
	return failure, data, errors.Join(err, failure.Close()) // only the other side writes to it
}

// maxRefusal is how many bytes of the kubelet's error are read.
const maxRefusal = 512

// refusal is why the kubelet could not connect to the port, nil if it could.
func refusal(failure io.Reader) error {
	text, _ := io.ReadAll(io.LimitReader(failure, maxRefusal)) // the connection itself shows what this cannot
	if len(text) == 0 {
		return nil
	}
	return fmt.Errorf("the kubelet cannot connect: %s", text)
}
