// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = "charts/extensionapi-operator/files/dashboard.json"

// Query must return a result for the metrics of a healthy operator.
type Query struct {
	// For names the alert, panel or variable of the query.
	For  string
	Expr string
	// Labels that each series of the result must have.
	Labels []string
}

// dashboard contains the queries of the dashboard, without its layout.
type dashboard struct {
	Templating struct{ List []variable }
	Panels     []panel
}

type variable struct {
	Name, Type, Definition string
}

type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ UID string }
	Repeat     string
	Targets    []struct{ Expr, LegendFormat string }
}

func readDashboard(t *testing.T) (result dashboard) {
	t.Helper()
	if err := json.Unmarshal(read(t, dashboardFile), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

var (
	grouping     = regexp.MustCompile(`\b(?:by|on) \(([^)]+)\)`)
	inLegend     = regexp.MustCompile(`{{(\w+)}}`)
	inAnnotation = regexp.MustCompile(`{{ \$labels\.(\w+) }}`)
	labelValues  = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	inDashboard  = regexp.MustCompile(`\$\w+`)
	selector     = regexp.MustCompile(`\b((?:extensionapi|leader|process|workqueue|controller_runtime)_\w+)(?:{([^}]*)})?`)
	// ofOtherExporters matches queries of metrics that the operator does not serve; `make dashboard-check` covers them.
	ofOtherExporters = regexp.MustCompile(`\b(?:container|kube_pod|apiserver|aggregator)_`)
	reasonMatcher    = regexp.MustCompile(`,?reason=~?"[^"]*"`)
)

// DashboardQueries returns the queries of panels and variables of the operator's metrics when everything is selected.
func DashboardQueries(t *testing.T) (queries []Query) {
	t.Helper()
	read := readDashboard(t)
	for _, variable := range read.Templating.List {
		if parts := labelValues.FindStringSubmatch(variable.Definition); parts != nil {
			queries = append(queries, Query{"the variable " + variable.Name, selectAll(parts[1]), parts[2:]})
		}
	}
	for _, panel := range read.Panels {
		for _, target := range panel.Targets {
			if ofOtherExporters.MatchString(target.Expr) {
				continue
			}
			labels := submatches(inLegend, target.LegendFormat)
			if panel.Type == "table" {
				labels = groupedBy(target.Expr)
			}
			queries = append(queries, Query{"the panel " + panel.Title, selectAll(target.Expr), labels})
		}
	}
	return queries
}

func selectAll(expr string) string {
	return inDashboard.ReplaceAllString(strings.ReplaceAll(expr, "$__rate_interval", "1m"), ".*")
}

// AlertQueries returns the selectors of alerts, each as a query of its own, because the alerts themselves return
// nothing while everything is healthy. For the same reason, matchers for condition reasons are removed.
func AlertQueries(t *testing.T) (queries []Query) {
	t.Helper()
	for _, alert := range Alerts(t) {
		labels := union(groupedBy(alert.Expr), submatches(inAnnotation, alert.Annotations["description"]))
		for _, part := range selector.FindAllStringSubmatch(alert.Expr, -1) {
			matchers := reasonMatcher.ReplaceAllString(part[2], "")
			wanted := labels
			if matchers != part[2] {
				wanted = union(labels, []string{"reason"})
			}
			queries = append(queries, Query{alert.Alert, part[1] + "{" + matchers + "}", wanted})
		}
	}
	return queries
}

func groupedBy(expr string) (labels []string) {
	for _, group := range submatches(grouping, expr) {
		labels = append(labels, strings.Split(group, ", ")...)
	}
	return labels
}

func submatches(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}
