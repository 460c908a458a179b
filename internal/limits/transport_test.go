// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/extensionapi/extensionapi-operator/test/http2"
)

func TestBoundAnnouncesItsLimits(t *testing.T) {
	got := http2.AllowedBy(t, func(server *httptest.Server) *http.Client {
		client := server.Client()
		if transport, isTransport := client.Transport.(*http.Transport); isTransport {
			Bound(transport)
		}
		return client
	})
	want := map[http2.Setting]uint32{
		http2.InitialWindowSize: streamBuffer,
		http2.MaxFrameSize:      frameBytes,
		http2.MaxHeaderListSize: headerBytes + 320, // HTTP/2 counts 32 bytes more for each, and net/http allows ten
	}
	if !maps.Equal(got, want) {
		t.Errorf("announced %v, want %v", got, want)
	}
}
