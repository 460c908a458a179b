// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Healthy returns an error when the prober itself is stuck: the rounds of all ExtensionAPIs have been overdue for
// longer than limits.StuckFor. No server can cause that, since every request has a timeout, and each ExtensionAPI has
// requests reserved for it. It implements healthz.Checker.
func (p *Prober) Healthy(*http.Request) error {
	overdue := slices.Collect(maps.Values(p.overdue()))
	if len(overdue) == 0 || slices.Min(overdue) < limits.StuckFor {
		return nil
	}
	return fmt.Errorf("no round of probes has started for %s", slices.Min(overdue).Round(time.Second))
}

// overdue returns how long the next round of each ExtensionAPI has been overdue, 0 for one that is on time.
func (p *Prober) overdue() map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	overdue := map[string]time.Duration{}
	for name, l := range p.loops {
		overdue[name] = l.scheduled().overdue(p.clock.Now())
	}
	return overdue
}

var overdueDescription = prometheus.NewDesc("extensionapi_discovery_overdue_seconds",
	"How long the next round of probes has been due, beyond the maximum duration of the previous one; 0 while it is on "+
		"time.",
	[]string{labelExtensionAPI}, nil)

// overdueMetric is computed on scrape: a loop that is stuck could not report it.
type overdueMetric struct{ prober *Prober }

// Metric returns a collector of how long rounds of probes are overdue.
func (p *Prober) Metric() prometheus.Collector { return overdueMetric{p} }

// Describe implements prometheus.Collector.
func (overdueMetric) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- overdueDescription
}

// Collect implements prometheus.Collector.
func (m overdueMetric) Collect(metrics chan<- prometheus.Metric) {
	for name, overdue := range m.prober.overdue() {
		metrics <- prometheus.MustNewConstMetric(
			overdueDescription, prometheus.GaugeValue, overdue.Seconds(), name)
	}
}
