// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"testing"

	"sigs.k8s.io/yaml"
)

const alertsFile = "charts/extensionapi-operator/files/alerts.yaml"

// Alert is an alerting rule.
type Alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

// Alerts returns the alerting rules of the chart.
func Alerts(t *testing.T) []Alert {
	t.Helper()
	var file struct{ Groups []struct{ Rules []Alert } }
	if err := yaml.Unmarshal(read(t, alertsFile), &file); err != nil {
		t.Fatal(err)
	}
	var alerts []Alert
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	return alerts
}
