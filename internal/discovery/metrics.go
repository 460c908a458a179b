// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	labelExtensionAPI = "extensionapi"
	labelGroup        = "group"
	labelVersion      = "version"
)

// Metrics are the measurements that Prometheus gets.
type Metrics struct {
	duration          *prometheus.HistogramVec
	failures, exceeds *prometheus.CounterVec
}

// NewMetrics returns metrics registered with registerer.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	labels := []string{labelExtensionAPI, labelGroup, labelVersion, "view", "document"}
	metrics := &Metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "extensionapi_discovery_duration_seconds",
			Help: "Time from sending a discovery request to the end of its successful answer, over a connection that was " +
				"there before (warm) or was made for it (cold); the documents apis and openapi are asked of each replica and " +
				"have no group and version.",
			// Finer around the aggregator's limit of 5 seconds.
			Buckets:                     []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 4.5, 5, 5.5, 6, 10, 30},
			NativeHistogramBucketFactor: 1.1,
		}, append(labels, "connection")),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_discovery_failures_total",
			Help: "Discovery requests that failed: no answer in time, or not a good one.",
		}, labels),
		exceeds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_discovery_limit_exceeded_total",
			Help: "Discovery requests that were answered well, but took longer than the limit of the spec.",
		}, labels),
	}
	registerer.MustRegister(metrics.duration, metrics.failures, metrics.exceeds)
	return metrics
}

func (m *Metrics) observe(name string, key Key, sample Sample, limit time.Duration) {
	if !isAsked(sample) {
		return
	}
	labels := []string{name, key.GroupVersion.Group, key.GroupVersion.Version, string(key.View), string(key.Document)}
	if sample.Err != nil {
		m.failures.WithLabelValues(labels...).Inc()
		return
	}
	connection := "cold"
	if sample.Timing.Warm {
		connection = "warm"
	}
	m.duration.WithLabelValues(append(labels, connection)...).Observe(sample.Latency.Seconds())
	if sample.isBad(limit) {
		m.exceeds.WithLabelValues(labels...).Inc()
	}
}

func (m *Metrics) forgetGroupVersions(name string, groupVersions []schema.GroupVersion) {
	for _, removed := range groupVersions {
		m.forget(prometheus.Labels{labelExtensionAPI: name, labelGroup: removed.Group, labelVersion: removed.Version})
	}
}

func (m *Metrics) forget(labels prometheus.Labels) {
	m.duration.DeletePartialMatch(labels)
	m.failures.DeletePartialMatch(labels)
	m.exceeds.DeletePartialMatch(labels)
}
