// SPDX-License-Identifier: Apache-2.0

package documented

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
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

// suites are the tests that produce messages; faults are those of test/e2e/faults_table_test.go and harm_test.go.
var suites = sets.New("integration", "e2e", "faults")

func TestEveryMessageForTroubleshootingComesFromATest(t *testing.T) {
	pages, err := read("../../docs/troubleshooting")
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]string{}
	for file, content := range pages {
		messages := parse(content)
		for marker := range messages {
			if suite, _, _ := strings.Cut(marker, "/"); !suites.Has(suite) {
				t.Errorf("%s: message %s belongs to no test suite: %s", file, marker, sets.List(suites))
			}
			if other, repeated := met[marker]; repeated {
				t.Errorf("message %s is in %s and in %s", marker, file, other)
			}
			met[marker] = file
		}
		for _, mark := range []string{"<!-- message:", "```text"} {
			if count := strings.Count(content, mark); count != len(messages) {
				t.Errorf("%s: %q occurs %d times, but there are %d messages: each block needs a unique marker directly above it",
					file, mark, count, len(messages))
			}
		}
	}
	if len(met) == 0 {
		t.Error("there is no message")
	}
}

func TestAMessageIsComparedAndWrittenInTheFileThatHasIt(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "a.md")
	for path, content := range map[string]string{file: document, filepath.Join(directory, "b.md"): "# B\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	messages := From(directory, "e2e")
	if err := messages.Compare("two", "two"); err != nil {
		t.Error(err)
	}
	if err := messages.Compare("two", "three"); !Writing() && err == nil {
		t.Error("an outdated message is not reported")
	}
	if err := messages.Compare("three", "three"); err == nil {
		t.Error("a message without a block is not reported")
	}
	t.Setenv("WRITE_DOCS", "1")
	if err := messages.Compare("two", "three"); err != nil {
		t.Error(err)
	}
	if pages, err := read(directory); err != nil || parse(pages[file])["e2e/two"] != "three\n" {
		t.Errorf("the message was not written: %v, %s", err, pages[file])
	}
	if err := From(directory, "integration").CheckAllMet(); err == nil {
		t.Error("a message that no test has produced is not reported")
	}
}
