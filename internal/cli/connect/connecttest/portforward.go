// SPDX-License-Identifier: Apache-2.0

package connecttest

import (
	"io"
	"net"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// Forwarding connects clients that forward a port of a Pod to an address, whatever the Pod is; next answers
// everything else. Like old kube-apiservers it knows no WebSockets.
func Forwarding(address string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/portforward"):
			next.ServeHTTP(w, r)
		case r.Method != http.MethodPost:
			w.WriteHeader(http.StatusBadRequest)
		default:
			forward(w, r, address)
		}
	})
}

func forward(w http.ResponseWriter, r *http.Request, address string) {
	if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r,
		func(stream httpstream.Stream, _ <-chan struct{}) error {
			streams <- stream
			return nil
		})
	if connection == nil {
		return
	}
	defer func() { _ = connection.Close() }()
	opened := map[string]httpstream.Stream{}
	for range 2 {
		select {
		case stream := <-streams:
			opened[stream.Headers().Get(corev1.StreamType)] = stream
		case <-connection.CloseChan():
			return
		}
	}
	join(r, address, opened[corev1.StreamTypeData], opened[corev1.StreamTypeError])
	<-connection.CloseChan()
}

func join(r *http.Request, address string, data, failure httpstream.Stream) {
	defer func() { _, _ = data.Close(), failure.Close() }()
	server, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
	if err != nil {
		_, _ = io.WriteString(failure, err.Error())
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(server, data) }()
	_, _ = io.Copy(data, server)
}
