// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// schema is the part of values.schema.json that the test needs. A value whose schema is a $ref has no properties here:
// its content is defined by Kubernetes.
type schema struct {
	Properties map[string]schema
}

func TestSchemaAndValuesHaveTheSameKeys(t *testing.T) {
	known := schema{}
	content, err := os.ReadFile(filepath.Join(root, "charts/extensionapi-operator/values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &known); err != nil {
		t.Fatal(err)
	}
	delete(known.Properties, "global") // which Helm passes from a parent chart to its subcharts
	compareKeys(t, "", known, defaults(t))
}

func compareKeys(t *testing.T, path string, known schema, values map[string]any) {
	t.Helper()
	inSchema := slices.Sorted(maps.Keys(known.Properties))
	if inValues := slices.Sorted(maps.Keys(values)); !slices.Equal(inSchema, inValues) {
		t.Errorf("%q has the properties %q in values.schema.json, and %q in values.yaml", path, inSchema, inValues)
	}
	for name, property := range known.Properties {
		if len(property.Properties) > 0 {
			section, _ := values[name].(map[string]any)
			compareKeys(t, path+"."+name, property, section)
		}
	}
}

// TestEveryValueIsUsed renders the chart with one value changed at a time. Some values have an effect only if others
// are not set, some only if they are.
func TestEveryValueIsUsed(t *testing.T) {
	unset, set := defaults(t), readValues(t, everything)
	none, all := renderValues(t, unset), renderValues(t, set)
	for _, path := range documentedValues(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			alone, without := with(t, unset, path, valueOf(t, set, path)), with(t, set, path, valueOf(t, unset, path))
			if flag, isFlag := valueOf(t, set, path).(bool); isFlag {
				alone, without = with(t, unset, path, !flag), with(t, set, path, !flag)
			}
			if bytes.Equal(renderValues(t, alone), none) && bytes.Equal(renderValues(t, without), all) {
				t.Error("this value has no effect on the chart; or testdata/everything.yaml has the default")
			}
		})
	}
}

// documentedValues returns the values in the README's table, which is generated from values.yaml.
func documentedValues(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "charts/extensionapi-operator/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| value | default | meaning |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var paths []string
	for row := range strings.Lines(table) {
		paths = append(paths, strings.Split(row, "`")[1])
	}
	return paths
}

func defaults(t *testing.T) map[string]any {
	t.Helper()
	return readValues(t, "charts/extensionapi-operator/values.yaml")
}

func readValues(t *testing.T, path string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func renderValues(t *testing.T, values map[string]any) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(toYAML(t, values)), 0o600); err != nil {
		t.Fatal(err)
	}
	return render(t, "helm", "--values", file)
}

func valueOf(t *testing.T, values map[string]any, path string) any {
	t.Helper()
	value, found, err := unstructured.NestedFieldNoCopy(values, strings.Split(path, ".")...)
	if err != nil || !found {
		t.Fatalf("there is no %s (%v)", path, err)
	}
	return value
}

// with returns a copy of the values with one value replaced.
func with(t *testing.T, values map[string]any, path string, value any) map[string]any {
	t.Helper()
	changed := map[string]any{}
	if err := yaml.Unmarshal([]byte(toYAML(t, values)), &changed); err != nil {
		t.Fatal(err)
	}
	names := strings.Split(path, ".")
	section := changed
	for _, name := range names[:len(names)-1] {
		section, _ = section[name].(map[string]any)
	}
	section[names[len(names)-1]] = value
	return changed
}
