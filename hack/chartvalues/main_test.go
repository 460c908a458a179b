// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestTableHasARowForEachValueWithAComment(t *testing.T) {
	table, err := tableOf([]byte(`# SPDX-License-Identifier: Apache-2.0
# About the file.

image:
  # Where the image is.
  # It may be a mirror.
  repository: registry.example.com/operator
  # Tag | digest.
  tag: ""

# How many.
replicas: 2

# What it needs.
resources:
  requests:
    cpu: 50m
`))
	if err != nil {
		t.Fatal(err)
	}
	want := "| value | default | meaning |\n|---|---|---|\n" +
		"| `image.repository` | `registry.example.com/operator` | Where the image is. It may be a mirror. |\n" +
		"| `image.tag` | `\"\"` | Tag \\| digest. |\n" +
		"| `replicas` | `2` | How many. |\n" +
		"| `resources` | `{\"requests\":{\"cpu\":\"50m\"}}` | What it needs. |\n"
	if table != want {
		t.Errorf("got table\n%s\nwant\n%s", table, want)
	}
}

func TestInvalidValuesAreRejected(t *testing.T) {
	for name, test := range map[string]struct{ values, want string }{
		"a value without a comment":          {"image:\n  # A.\n  tag: a\n  digest: b\n", ":4: image.digest has no"},
		"an empty section without a comment": {"labels: {}\n", "values.yaml:1: labels has no comment"},
		"a file that is a list":              {"- a\n", "not a mapping"},
		"an empty file":                      {"", "not a mapping"},
		"invalid YAML":                       {"a: [\n", "yaml: "},
		"an unknown YAML alias":              {"# A.\na: *b\n", "unknown anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tableOf([]byte(test.values)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestInsertReplacesTheTextBetweenTheMarkers(t *testing.T) {
	readme, err := insert("before\n"+begin+"old\n"+end+"after\n", "new\n")
	if want := "before\n" + begin + "\nnew\n\n" + end + "after\n"; err != nil || readme != want {
		t.Errorf("got %q, %v, want %q", readme, err, want)
	}
	if again, err := insert(readme, "new\n"); err != nil || again != readme {
		t.Errorf("inserted again it is %q, %v", again, err)
	}
	if _, err := insert(end+begin, "new\n"); err == nil {
		t.Error("a README with the markers in the wrong order is accepted")
	}
}
