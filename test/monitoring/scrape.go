// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	// targetLabels are the labels that Prometheus adds to metrics scraped through the chart's ServiceMonitor.
	targetLabels = `job="extensionapi-operator",namespace="extensionapi-system",pod="operator-1"`
	// labelCluster is one that a Prometheus of several clusters adds.
	labelCluster = "cluster"

	scrapeInterval = "30s"
)

// unitTest is the input file of promtool test rules.
type unitTest struct {
	// Interval of evaluations, and also of samples.
	Interval string         `json:"evaluation_interval"`
	Tests    []unitTestCase `json:"tests"`
}

type unitTestCase struct {
	Interval    string            `json:"interval"`
	InputSeries []inputSeries     `json:"input_series"`
	Expressions []expressionCheck `json:"promql_expr_test"`
}

type inputSeries struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

type expressionCheck struct {
	Expr     string           `json:"expr"`
	EvalTime string           `json:"eval_time"`
	Samples  []expectedSample `json:"exp_samples"`
}

type expectedSample struct {
	Labels string  `json:"labels"`
	Value  float64 `json:"value"`
}

// CheckQueries evaluates the queries with Prometheus' own engine, for two scrapes of the operator's metrics in the text
// format, first and now, with and without a label of the cluster. It returns an error unless each query has a result,
// and each series of it has the labels.
func CheckQueries(t *testing.T, first, now string, queries []Query) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scrapes.yaml")
	write(t, file, unitTest{scrapeInterval, []unitTestCase{
		caseOf(first, now, targetLabels, withoutCluster(queries)),
		caseOf(first, now, targetLabels+","+labelCluster+`="east"`, queries),
	}})
	return Promtool(t, "test", "rules", file)
}

func caseOf(first, now, target string, queries []Query) unitTestCase {
	test := unitTestCase{Interval: scrapeInterval, InputSeries: seriesOf(samplesOf(first, target), samplesOf(now, target))}
	for _, query := range queries {
		test.Expressions = append(test.Expressions, checksOf(query)...)
	}
	return test
}

func withoutCluster(queries []Query) []Query {
	isCluster := func(label string) bool { return label == labelCluster }
	queries = slices.Clone(queries)
	for i := range queries {
		queries[i].Labels = slices.DeleteFunc(slices.Clone(queries[i].Labels), isCluster)
	}
	return queries
}

// samplesOf returns the values by their series, which have the labels of the target, too.
func samplesOf(text, target string) map[string]string {
	samples := map[string]string{}
	for line := range strings.Lines(text) {
		end := strings.LastIndex(line, " ")
		if strings.HasPrefix(line, "#") || end < 0 {
			continue
		}
		name, labels, _ := strings.Cut(line[:end], "{")
		labels = strings.TrimSuffix(labels, "}")
		if labels != "" {
			labels += ","
		}
		samples[name+"{"+labels+target+"}"] = strings.TrimSpace(line[end:])
	}
	return samples
}

func seriesOf(first, now map[string]string) (series []inputSeries) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		before, found := first[name]
		if !found {
			before = "_"
		}
		series = append(series, inputSeries{name, before + " " + now[name]})
	}
	return series
}

// checksOf returns a check for each label that all series have it. promtool compares results with expected samples, so
// each result is aggregated to a single sample.
func checksOf(query Query) (checks []expressionCheck) {
	if len(query.Labels) == 0 {
		return []expressionCheck{{"group(" + query.Expr + ")", scrapeInterval, []expectedSample{{"{}", 1}}}}
	}
	for _, label := range query.Labels {
		checks = append(checks, expressionCheck{
			fmt.Sprintf(`group by (found) (label_replace(%s, "found", "yes", %q, ".+"))`, query.Expr, label),
			scrapeInterval,
			[]expectedSample{{`{found="yes"}`, 1}},
		})
	}
	return checks
}
