// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	labelExtensionAPI = "extensionapi"
	labelGroup        = "group"
	labelVersion      = "version"
	// labelServerPod is not "pod", which Prometheus sets to the scraped Pod: the operator's.
	labelServerPod = "server_pod"
)

// Metrics are the Prometheus metrics of discovery.
type Metrics struct {
	duration *prometheus.HistogramVec
	// requests are the denominator of the others: the histogram leaves failures out.
	requests, failures, exceeds *prometheus.CounterVec
	// These have a label for the replica but none for group-version or document, to bound the number of series: Pods come
	// and go.
	replicaDuration *prometheus.HistogramVec
	replicaFailures *prometheus.CounterVec
	interval        *prometheus.GaugeVec
}

// buckets are few, since there is a series of each for every group-version, view, document and replica: whether answers
// are as quick as usual, noticeable to clients, slow, and more than kube-apiserver waits for. Native histograms, which
// Prometheus has in one series, show the rest.
var buckets = []float64{0.01, 0.1, 1, 3, AggregatorTimeout.Seconds()}

const (
	// bucketFactor is how much wider each bucket of a native histogram is than the one before, at most: each that is used
	// takes some 100 bytes.
	bucketFactor = 1.5
	// maxBuckets bounds the memory of a native histogram. Beyond, it is reset, or becomes coarser within an hour.
	maxBuckets = 40
)

func histogramOf(of prometheus.HistogramOpts, labels []string) *prometheus.HistogramVec {
	of.Buckets = buckets
	of.NativeHistogramBucketFactor = bucketFactor
	of.NativeHistogramMaxBucketNumber = maxBuckets
	of.NativeHistogramMinResetDuration = time.Hour
	return prometheus.NewHistogramVec(of, labels)
}

// NewMetrics returns metrics registered with registerer.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	labels := []string{labelExtensionAPI, labelGroup, labelVersion, "view", "document"}
	replicaLabels := []string{labelExtensionAPI, labelServerPod}
	metrics := &Metrics{
		duration: histogramOf(prometheus.HistogramOpts{
			Name: "extensionapi_discovery_duration_seconds",
			Help: "Time from sending a discovery request to the end of its successful response, over a reused (warm) or a new " +
				"(cold) connection; the documents apis and openapi are requested from each replica and have no group and version.",
		}, append(labels, "connection")),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_discovery_requests_total",
			Help: "Discovery requests that were sent, whether they succeeded or failed.",
		}, labels),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_discovery_failures_total",
			Help: "Discovery requests that failed: no response in time, or an invalid one.",
		}, labels),
		exceeds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_discovery_limit_exceeded_total",
			Help: "Successful discovery requests that took longer than the limit in the spec.",
		}, labels),
		replicaDuration: histogramOf(prometheus.HistogramOpts{
			Name: "extensionapi_replica_discovery_duration_seconds",
			Help: "Time from sending a discovery request directly to a replica to the end of its successful response, for the " +
				"documents group-version and apis; replicas without a Pod have their address as server_pod.",
		}, replicaLabels),
		replicaFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_replica_discovery_failures_total",
			Help: "Discovery requests sent directly to a replica that failed: no response in time, or an invalid one.",
		}, replicaLabels),
		interval: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_discovery_interval_seconds",
			Help: "Time between two rounds of probes: the interval in the spec, or longer if the requests of a round would " +
				"exceed the rate limit.",
		}, []string{labelExtensionAPI}),
	}
	registerer.MustRegister(metrics.duration, metrics.requests, metrics.failures, metrics.exceeds, metrics.replicaDuration,
		metrics.replicaFailures, metrics.interval)
	return metrics
}

// observe also creates the counters at 0, so that their first increment is visible.
func (m *Metrics) observe(name string, key Key, sample Sample, limit time.Duration) {
	if !wasSent(sample) {
		return
	}
	m.observeReplica(name, key, sample)
	labels := []string{name, key.GroupVersion.Group, key.GroupVersion.Version, string(key.View), string(key.Document)}
	m.requests.WithLabelValues(labels...).Inc()
	failures, exceeds := m.failures.WithLabelValues(labels...), m.exceeds.WithLabelValues(labels...)
	if sample.Err != nil {
		failures.Inc()
		return
	}
	connection := "cold"
	if sample.Timing.Warm {
		connection = "warm"
	}
	m.duration.WithLabelValues(append(labels, connection)...).Observe(sample.Latency.Seconds())
	if sample.isBad(limit) {
		exceeds.Inc()
	}
}

func (m *Metrics) observeInterval(name string, interval time.Duration) {
	m.interval.WithLabelValues(name).Set(interval.Seconds())
}

// observeReplica skips OpenAPI, which may take longer than discovery.
func (m *Metrics) observeReplica(name string, key Key, sample Sample) {
	if key.View != ViewEndpoint || key.Document == DocumentOpenAPI {
		return
	}
	pod := serverPod(key.Address, key.Pod)
	duration, failures := m.replicaDuration.WithLabelValues(name, pod), m.replicaFailures.WithLabelValues(name, pod)
	if sample.Err != nil {
		failures.Inc()
		return
	}
	duration.Observe(sample.Latency.Seconds())
}

// serverPod returns the label value of a replica.
func serverPod(address, pod string) string { return cmp.Or(pod, address) }

// forgetDropped removes the series of group-versions and replicas that are no longer in the target.
func (m *Metrics) forgetDropped(name string, before, target Target) {
	for _, groupVersion := range before.GroupVersions {
		if !slices.Contains(target.GroupVersions, groupVersion) {
			m.forget(prometheus.Labels{
				labelExtensionAPI: name, labelGroup: groupVersion.Group, labelVersion: groupVersion.Version,
			})
		}
	}
	for _, replica := range before.Replicas {
		pod := serverPod(replica.Address, replica.Pod)
		isIt := func(left Replica) bool { return serverPod(left.Address, left.Pod) == pod }
		if !slices.ContainsFunc(target.Replicas, isIt) {
			m.replicaDuration.DeleteLabelValues(name, pod)
			m.replicaFailures.DeleteLabelValues(name, pod)
		}
	}
}

// forget removes the series that have these labels.
func (m *Metrics) forget(labels prometheus.Labels) {
	m.duration.DeletePartialMatch(labels)
	m.requests.DeletePartialMatch(labels)
	m.failures.DeletePartialMatch(labels)
	m.exceeds.DeletePartialMatch(labels)
	m.replicaDuration.DeletePartialMatch(labels)
	m.replicaFailures.DeletePartialMatch(labels)
	m.interval.DeletePartialMatch(labels)
}
