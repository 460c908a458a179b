// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// bench is a Prober under a fake clock, with a server to probe.
type bench struct {
	*Prober
	clock     *clocktesting.FakeClock
	changed   chan string
	requested chan string
	failing   atomic.Bool
	token     chan string
	// tokenError and replacement, the token that replaces a rejected one, are set before any target is tracked.
	tokenError  error
	replacement string
	target      Target
	registry    *prometheus.Registry
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		clock:     clocktesting.NewFakeClock(time.Unix(0, 0)),
		changed:   make(chan string, 100),
		requested: make(chan string, 100),
		token:     make(chan string, 100),
		registry:  prometheus.NewRegistry(),
	}
	server, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != documentKey.path() {
			return
		}
		b.requested <- r.URL.Path
		b.token <- r.Header.Get("Authorization")
		if b.replacement != "" && r.Header.Get("Authorization") != "Bearer "+b.replacement {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if b.failing.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(goodAnswer))
	})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	b.target = Target{
		GroupVersions: []schema.GroupVersion{groupVersion},
		Replicas:      []Replica{{Endpoint: endpoints.Endpoint{Address: address, Pod: "api-a"}}},
		ServerName:    "example.com", // the name in httptest's certificate
		CABundle:      ca,
		Policy:        testPolicy,
	}
	b.Prober = NewProber(b.clock,
		func(context.Context) (map[string]*http.Client, error) {
			return map[string]*http.Client{address: server.Client()}, nil
		},
		b,
		NewMetrics(b.registry), func(name string) { b.changed <- name })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) Token(context.Context) (string, error) { return "a-token", b.tokenError }

func (b *bench) Replace(context.Context, string) (string, error) { return b.replacement, b.tokenError }

func receive[T any](t *testing.T, from <-chan T) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("timed out")
	}
}

// awaitPause waits until the loop has finished its round and waits for the clock.
func (b *bench) awaitPause(t *testing.T) {
	t.Helper()
	paused := func(context.Context) (bool, error) { return b.clock.HasWaiters(), nil }
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, paused)
	if err != nil {
		t.Fatal("the loop does not pause")
	}
}

func (b *bench) endpointSample() (Sample, bool) {
	record, found := b.Last("wardle").Records[AtEndpoint(b.target.Replicas[0], groupVersion)]
	return record.Last, found
}

// nextRound advances the clock past the pause of the loop.
func (b *bench) nextRound(t *testing.T) {
	t.Helper()
	b.awaitPause(t)
	b.clock.Step(testPolicy.Interval)
	receive(t, b.requested)
}

func TestTrackedTargetsAreProbedImmediatelyAndAtTheirInterval(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if sample, found := b.endpointSample(); !found || sample.Err != nil {
		t.Fatalf("first round: %v %v", found, sample.Err)
	}
	receive(t, b.requested)
	b.nextRound(t)
}

func TestNothingIsReportedWhileNothingChanges(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	receive(t, b.requested)
	b.nextRound(t) // good often enough, which is reported
	receive(t, b.changed)
	for range 3 {
		b.nextRound(t)
	}
	b.awaitPause(t)
	if len(b.changed) != 0 {
		t.Error("rounds without changes were reported")
	}
}

func TestFailuresAreReportedAndRetriedSoon(t *testing.T) {
	b := newBench(t)
	b.failing.Store(true)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if sample, _ := b.endpointSample(); sample.Err == nil {
		t.Fatal("a failing server passed")
	}
	b.failing.Store(false)
	b.awaitPause(t)
	b.clock.Step(firstRetry)
	receive(t, b.changed)
	if sample, _ := b.endpointSample(); sample.Err != nil {
		t.Errorf("after recovery: %v", sample.Err)
	}
}

func TestChangedTargetsAreProbedImmediately(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	b.awaitPause(t)
	b.target.Registered = b.target.GroupVersions
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	key := ThroughKubeAPIServer(b.target.Replicas[0].Address, groupVersion)
	if record, found := b.Last("wardle").Records[key]; !found || record.Last.Err != nil {
		t.Errorf("through kube-apiserver: %v %v", found, record.Last.Err)
	}
}

func TestUntrustedServersFail(t *testing.T) {
	b := newBench(t)
	b.target.ServerName = "other.example.org"
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if sample, _ := b.endpointSample(); sample.Err == nil {
		t.Error("a certificate for another name passed")
	}
}

func TestForgetRemovesRecordsAndMetrics(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if got := testutil.CollectAndCount(b.metrics.duration); got == 0 {
		t.Fatal("no histograms")
	}
	b.Forget("wardle")
	if got := testutil.CollectAndCount(b.metrics.duration); got != 0 {
		t.Errorf("%d histograms are left", got)
	}
	if last := b.Last("wardle"); last.Records != nil {
		t.Error("records are left")
	}
}

func TestMoved(t *testing.T) {
	failed, other := Sample{Err: errors.New("a")}, Sample{Err: errors.New("b")}
	at := func(latency time.Duration) Sample { return Sample{Latency: latency} }
	tests := map[string]struct {
		before, after Sample
		want          bool
	}{
		"noise":                        {at(3 * time.Millisecond), at(400 * time.Millisecond), false},
		"more than a tenth":            {at(3 * time.Millisecond), at(600 * time.Millisecond), true},
		"across the limit":             {at(4900 * time.Millisecond), at(5100 * time.Millisecond), true},
		"a recovery":                   {failed, at(time.Millisecond), true},
		"a failure":                    {at(time.Millisecond), failed, true},
		"another failure":              {failed, other, true},
		"the same failure, but slower": {failed, Sample{Err: failed.Err, Latency: time.Second}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.after.moved(test.before, AggregatorTimeout); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestServiceIsProbedOnlyIfItHasAnEndpoint(t *testing.T) {
	target := Target{GroupVersions: []schema.GroupVersion{groupVersion}, Service: "10.1.0.1:443"}
	if keys := target.Direct(); len(keys) != 0 {
		t.Errorf("probed %v", keys)
	}
	target.Replicas = []Replica{{Endpoint: endpoints.Endpoint{Address: "10.0.0.1:8443"}}}
	if keys := target.Direct(); !slices.Contains(keys, AtService(target.Service, groupVersion)) {
		t.Errorf("probed %v", keys)
	}
}

func TestChangesAcrossALimitAreReported(t *testing.T) {
	fast, slow := Sample{Latency: 4600 * time.Millisecond}, Sample{Latency: 5500 * time.Millisecond}
	if !fast.moved(slow, 10*time.Second) {
		t.Error("a server that became fast enough to be registered is not reported")
	}
	noisy := Sample{Latency: 40 * time.Millisecond}
	if noisy.moved(Sample{Latency: time.Millisecond}, 100*time.Millisecond) {
		t.Error("noise is reported with a small limit")
	}
}

func TestEveryProbeCarriesTheToken(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if got := <-b.token; got != "Bearer a-token" {
		t.Errorf("a direct probe carried %q", got)
	}
	b.target.Registered, b.target.Replicas = b.target.GroupVersions, nil
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if got := <-b.token; got != "Bearer a-token" {
		t.Errorf("a probe through kube-apiserver carried %q", got)
	}
}

func TestRevokedTokensAreReplacedBeforeAFailureIsReported(t *testing.T) {
	b := newBench(t)
	b.replacement = "another-token"
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if sample, found := b.endpointSample(); !found || sample.Err != nil || len(b.requested) != 2 {
		t.Errorf("got %v after %d requests", sample.Err, len(b.requested))
	}
}

func TestNoRequestIsSentWithoutAToken(t *testing.T) {
	b := newBench(t)
	b.tokenError = errors.New("no token")
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if sample, _ := b.endpointSample(); ClassOf(sample) != ClassNotSent || len(b.requested) != 0 {
		t.Errorf("got %v, and %d requests", sample.Err, len(b.requested))
	}
}

func TestMetricsPassThePrometheusLinter(t *testing.T) {
	b := newBench(t)
	b.failing.Store(true)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	b.metrics.observe("wardle", documentKey, Sample{Latency: 6 * time.Second}, AggregatorTimeout)
	problems, err := testutil.GatherAndLint(b.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
	if families, _ := b.registry.Gather(); len(families) != 7 {
		t.Errorf("%d metric families were linted, want 7", len(families))
	}
}

func TestMetricsOfRemovedGroupVersionsAreDeleted(t *testing.T) {
	b := newBench(t)
	other := schema.GroupVersion{Group: groupVersion.Group, Version: "v2"}
	b.target.GroupVersions = []schema.GroupVersion{groupVersion, other}
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	b.target.GroupVersions = []schema.GroupVersion{groupVersion}
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	ofOther := prometheus.Labels{labelVersion: other.Version}
	for what, series := range map[string]*prometheus.CounterVec{
		"requests": b.metrics.requests, "failures": b.metrics.failures,
	} {
		if left := series.DeletePartialMatch(ofOther); left != 0 {
			t.Errorf("%d series of %s of v2 are left", left, what)
		}
	}
}

func TestMetricsOfRemovedReplicasAreDeleted(t *testing.T) {
	b := newBench(t)
	old, kept := b.target.Replicas[0], b.target.Replicas[0]
	old.Pod, kept.Pod = "old", "kept"
	b.target.Replicas = []Replica{old, kept}
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	if got := testutil.CollectAndCount(b.metrics.replicaDuration); got != 2 {
		t.Fatalf("got histograms of %d of 2 replicas", got)
	}
	b.target.Replicas = []Replica{kept}
	b.Track(t.Context(), "wardle", b.target)
	if durations, failures := testutil.CollectAndCount(b.metrics.replicaDuration),
		testutil.CollectAndCount(b.metrics.replicaFailures); durations != 1 || failures != 1 {
		t.Errorf("got %d histograms and %d counters for the one remaining replica", durations, failures)
	}
	late := map[Key]Sample{AtEndpoint(old, groupVersion): {}}
	b.measure(b.loops["wardle"], late)
	if got := testutil.CollectAndCount(b.metrics.replicaDuration); got != 1 {
		t.Error("a late response of a removed replica recreated its series")
	}
}

func TestReplicaFailuresAreCountedButNotTimed(t *testing.T) {
	metrics := NewMetrics(prometheus.NewRegistry())
	key := AtEndpoint(Replica{Endpoint: endpoints.Endpoint{Address: "10.0.0.1:8443"}}, groupVersion)
	metrics.observe("wardle", key, Sample{Err: errors.New("refused")}, AggregatorTimeout)
	key.Document = DocumentOpenAPI
	metrics.observe("wardle", key, Sample{Err: errors.New("refused")}, AggregatorTimeout)
	if got := testutil.ToFloat64(metrics.replicaFailures.WithLabelValues("wardle", "10.0.0.1:8443")); got != 1 {
		t.Errorf("got %v failures of a replica that failed discovery once, and OpenAPI once", got)
	}
	if got := testutil.CollectAndCount(metrics.requests); got != 2 {
		t.Errorf("requests for %d documents were counted, want those that failed, of both", got)
	}
	if got := testutil.CollectAndCount(metrics.replicaDuration); got != 1 {
		t.Error("a replica that has only failed has no histogram, so that its first success would not be visible as an " +
			"increment")
	}
}

func TestPassesOnlyIfEveryKubeAPIServerProxiesRequests(t *testing.T) {
	a, b := ThroughKubeAPIServer("a", groupVersion), ThroughKubeAPIServer("b", groupVersion)
	notFound := Record{Last: Sample{Err: &ProbeError{Class: ClassMissing}}}
	unreachable := Record{Last: Sample{Err: &ProbeError{Class: ClassUnreachable}}}
	tests := map[string]struct {
		records Records
		want    bool
	}{
		"none was probed":       {Records{AtService("a", groupVersion): {}}, false},
		"one proxies requests":  {Records{a: {}}, true},
		"one does not yet":      {Records{a: {}, b: notFound}, false},
		"one cannot be reached": {Records{a: {}, b: unreachable}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := NewRound(Target{}, test.records).IsProxied(groupVersion); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
