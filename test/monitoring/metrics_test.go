// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/version"
)

func TestDocsListAllMetricsOfTheOperator(t *testing.T) {
	registered := &registrations{Registerer: prometheus.NewRegistry()}
	report.NewMetrics(registered, nil)
	discovery.NewMetrics(registered)
	registered.MustRegister((&discovery.Prober{}).Metric())
	registered.MustRegister(version.Current().Metric())
	var listed []string
	row := regexp.MustCompile("(?m)^(\\| `extensionapi_\\w+` \\| \\w+ \\| [^|]* \\|)")
	listed = append(listed, submatches(row, string(read(t, "docs/reference/metrics.md")))...)
	for _, wanted := range registered.rows {
		if !slices.Contains(listed, wanted) {
			t.Errorf("docs/reference/metrics.md lacks a row that begins with: %s", wanted)
		}
	}
	for _, found := range listed {
		if !slices.Contains(registered.rows, found) {
			t.Errorf("docs/reference/metrics.md has a row that matches no metric: %s", found)
		}
	}
}

// registrations records registered collectors as rows of a table.
type registrations struct {
	prometheus.Registerer
	rows []string
}

var description = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: {([^}]*)}`)

func (r *registrations) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		for _, described := range descriptionsOf(collector) {
			parts := description.FindStringSubmatch(described.String())
			labels := "`" + strings.Join(strings.Split(parts[2], ","), "`, `") + "`"
			r.rows = append(r.rows, fmt.Sprintf("| `%s` | %s | %s |", parts[1], kindOf(collector), labels))
		}
	}
}

// descriptionsOf are those of all metrics of a collector.
func descriptionsOf(collector prometheus.Collector) (result []*prometheus.Desc) {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		collector.Describe(descriptions)
	}()
	for described := range descriptions {
		result = append(result, described)
	}
	return result
}

// kindOf is the type of a collector's metrics. Those that describe several have gauges alone.
func kindOf(collector prometheus.Collector) string {
	switch collector.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.HistogramVec:
		return "histogram"
	default:
		return "gauge"
	}
}
