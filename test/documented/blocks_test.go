// SPDX-License-Identifier: Apache-2.0

package documented

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const document = `# Troubleshooting

<!-- message: integration/one -->
` + "```text" + `
Ready=False One: this is
over two lines
` + "```" + `

Do this:

` + "```sh" + `
kubectl get pods
` + "```" + `

<!-- message: e2e/two -->
` + "```text" + `
two
` + "```" + `
`

func TestParseReturnsBlocksBelowMarkers(t *testing.T) {
	wanted := map[string]string{"integration/one": "Ready=False One: this is\nover two lines\n", "e2e/two": "two\n"}
	if found := parse(document); !maps.Equal(found, wanted) {
		t.Errorf("got messages %q, want %q", found, wanted)
	}
}

func TestReplaceWrapsTheMessageAndChangesNothingElse(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("a few words ", 20))
	written := replace(document, "integration/one", long)
	if found := parse(written)["integration/one"]; !Same(found, long) {
		t.Errorf("the message is\n%s", found)
	}
	for line := range strings.Lines(written) {
		if len(strings.TrimSpace(line)) > lineWidth {
			t.Errorf("the line is too long: %s", line)
		}
	}
	if back := replace(written, "integration/one", parse(document)["integration/one"]); len(back) != len(document) {
		t.Errorf("not only the message has changed:\n%s", written)
	}
}

func TestMessagesThatNoTestProducesAreMissing(t *testing.T) {
	if found := missing(parse(document), "integration", nil); !slices.Equal(found, []string{"one"}) {
		t.Errorf("got missing messages %q, want one", found)
	}
	if found := missing(parse(document), "integration", map[string]bool{"one": true}); len(found) > 0 {
		t.Errorf("messages %q are missing, although a test produced them", found)
	}
}

func TestSameIgnoresWhatDiffersInEachRun(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"Pod wardle-77547867bc-hmhbt fails", "Pod wardle-964cf948f-5hslz fails", true},
		{"endpoint localhost:40123 fails", "endpoint localhost:41234 fails", true},
		{"(10.214.0.191:8443) took 5.2s", "(10.214.0.7:8443) took 6s", true},
		{"expires at 2026-11-22T21:34:40Z", "expires at 2027-11-22T21:34:40Z", true},
		{"over two\nlines", "over two lines", true},
		{"2 of 3 replicas", "1 of 3 replicas", false},
		{"namespace a", "namespace b", false},
	} {
		if same := Same(test.a, test.b); same != test.same {
			t.Errorf("Same(%q, %q) is %t, want %t", test.a, test.b, same, test.same)
		}
	}
}

func TestEveryMessageForTroubleshootingComesFromATest(t *testing.T) {
	content, err := os.ReadFile("../../docs/troubleshooting/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	messages := parse(string(content))
	for marker := range messages {
		if suite, _, _ := strings.Cut(marker, "/"); suite != "integration" && suite != "e2e" {
			t.Errorf("message %s belongs to no test suite: integration or e2e", marker)
		}
	}
	for _, mark := range []string{"<!-- message:", "```text"} {
		if count := strings.Count(string(content), mark); count != len(messages) {
			t.Errorf("%q occurs %d times, but there are %d messages: each block needs a unique marker directly above it",
				mark, count, len(messages))
		}
	}
}
