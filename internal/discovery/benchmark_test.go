// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// BenchmarkAccuracy measures by how much a probe's latency exceeds the server's delay, on a reused connection, as most
// probes have.
func BenchmarkAccuracy(b *testing.B) {
	for _, milliseconds := range []int{0, 50, 500, 2000, 4900, 5100, 8000} {
		delay := time.Duration(milliseconds) * time.Millisecond
		b.Run(delay.String(), func(b *testing.B) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				<-time.After(delay)
				_, _ = w.Write([]byte(goodAnswer))
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			requester := requester{clock: clock.RealClock{}, client: server.Client(), timeout: 11 * time.Second}
			key := AtEndpoint(Replica{Endpoint: endpointOf(server)}, groupVersion)
			requester.do(b.Context(), key)
			var worst time.Duration
			for b.Loop() {
				sample := requester.do(b.Context(), key)
				if sample.Err != nil || !sample.Timing.Warm {
					b.Fatalf("%+v", sample)
				}
				worst = max(worst, sample.Latency-delay)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(worst.Microseconds())/1000, "worst-excess-ms")
		})
	}
}

// BenchmarkHangingServers counts the probes of 200 healthy servers in ten seconds, with and without 20 more that never
// answer.
func BenchmarkHangingServers(b *testing.B) {
	for _, hanging := range []int{0, 20} {
		b.Run(fmt.Sprintf("%d-hanging", hanging), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(probesOfGoodServers(b, 200, hanging)), "probes")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func probesOfGoodServers(b *testing.B, good, hanging int) int64 {
	b.Helper()
	var answered atomic.Int64
	goodServer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answered.Add(1)
		_, _ = w.Write([]byte(goodAnswer))
	}))
	defer goodServer.Close()
	silent := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	defer silent.Close()
	defer silent.CloseClientConnections()

	prober := NewProber(clock.RealClock{},
		func(context.Context) (map[string]*http.Client, error) { return nil, nil },
		oneToken{},
		NewMetrics(prometheus.NewRegistry()), func(string) {})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- prober.Start(ctx) }()
	for i := range good + hanging {
		server := goodServer
		if i < hanging {
			server = silent
		}
		prober.Track(ctx, fmt.Sprint(i), targetOf(server))
	}
	<-time.After(10 * time.Second)
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	return answered.Load()
}

// oneToken returns a token that never expires.
type oneToken struct{}

func (oneToken) Token(context.Context) (string, error) { return "a-token", nil }

func (oneToken) Replace(context.Context, string) (string, error) { return "a-token", nil }

func targetOf(server *httptest.Server) Target {
	policy := testPolicy
	policy.Interval = time.Second
	return Target{
		GroupVersions: []schema.GroupVersion{groupVersion},
		Replicas:      []Replica{{Endpoint: endpointOf(server)}},
		ServerName:    "example.com",
		CABundle:      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.TLS.Certificates[0].Certificate[0]}),
		Policy:        policy,
	}
}

func endpointOf(server *httptest.Server) endpoints.Endpoint {
	return endpoints.Endpoint{Address: strings.TrimPrefix(server.URL, "https://")}
}
