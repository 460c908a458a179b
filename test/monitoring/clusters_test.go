// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// notOfACluster are tests whose series have the label cluster already, or none.
var notOfACluster = []string{"clusters.yaml", "nothing_scraped.yaml"}

// TestAlertsAreTheSameWithAClusterLabel repeats all tests of alerts with series that have the label cluster.
func TestAlertsAreTheSameWithAClusterLabel(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no alert tests found (%v)", err)
	}
	arguments := []string{"test", "rules"}
	for _, file := range files {
		if !slices.Contains(notOfACluster, filepath.Base(file)) {
			arguments = append(arguments, inCluster(t, file, "east"))
		}
	}
	if err := Promtool(t, arguments...); err != nil {
		t.Error(err)
	}
}

// inCluster returns the name of a copy of the test in which every series is of the cluster.
func inCluster(t *testing.T, file, cluster string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var test map[string]any
	if err := yaml.Unmarshal(content, &test); err != nil {
		t.Fatal(err)
	}
	test["rule_files"] = []string{absolute(t, alertsFile)}
	for _, one := range mappings(test["tests"]) {
		for _, series := range mappings(one["input_series"]) {
			series["series"] = strings.Replace(textOf(series["series"]), "{", "{cluster=\""+cluster+"\",", 1)
		}
		for _, expected := range mappings(one["alert_rule_test"]) {
			for _, alert := range mappings(expected["exp_alerts"]) {
				nameCluster(alert, cluster)
			}
		}
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(file))
	write(t, copied, test)
	return copied
}

// nameCluster adds the cluster to the labels of an expected alert, and to its description, after what it is about.
func nameCluster(alert map[string]any, cluster string) {
	labels, _ := alert["exp_labels"].(map[string]any)
	annotations, _ := alert["exp_annotations"].(map[string]any)
	labels["cluster"] = cluster
	subject := "The extensionapi-operator"
	if name := textOf(labels["extensionapi"]); name != "" {
		subject = "ExtensionAPI " + name
	}
	annotations["description"] = strings.Replace(
		textOf(annotations["description"]), subject, subject+" on cluster "+cluster, 1)
}

// mappings returns the elements of a decoded list of objects.
func mappings(list any) (elements []map[string]any) {
	values, _ := list.([]any)
	for _, value := range values {
		element, _ := value.(map[string]any)
		elements = append(elements, element)
	}
	return elements
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}
