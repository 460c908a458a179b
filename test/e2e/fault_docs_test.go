// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

const (
	faultDocsFile = "docs/troubleshooting/faults.md"
	// columnEnd is the column separator, which messages never contain.
	columnEnd = " | "
	// lastWord is how long a message must be unchanged before it is written: kube-apiserver checks every 30 s.
	lastWord = 35 * time.Second
)

// faultDocs is the table of docs/troubleshooting/faults.md, whose rows begin with the fault, and the condition and the message that
// report it. With WRITE_DOCS=1 the conditions and messages are written, otherwise compared.
type faultDocs struct {
	mu    sync.Mutex
	lines []string
	// since is when the message to be written for a fault was first reported.
	since map[string]time.Time
}

// openFaultDocs reads the docs, and with WRITE_DOCS=1 writes them when the test ends.
func openFaultDocs(t *testing.T) *faultDocs {
	t.Helper()
	path := filepath.Join(root, faultDocsFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	docs := &faultDocs{
		lines: strings.Split(string(content), "\n"),
		since: map[string]time.Time{},
	}
	if documented.Writing() {
		t.Cleanup(func() {
			if err := os.WriteFile(path, []byte(strings.Join(docs.lines, "\n")), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	return docs
}

// check succeeds when the docs contain the condition of a fault, or, when they are being written, if it has not changed
// for lastWord.
func (d *faultDocs) check(what string, condition metav1.Condition) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	row, columns := d.find(what)
	if row < 0 {
		return fmt.Errorf("%s has no row for %q", faultDocsFile, what)
	}
	said, summary := columns[1]+": "+columns[2], fmt.Sprintf("%s %s", condition.Status, condition.Reason)
	agreed := documented.Same(said, summary+": "+condition.Message)
	switch {
	case !documented.Writing() && !agreed:
		return fmt.Errorf("for %q, %s documents\n%s\nbut the condition is\n%s: %s\n(WRITE_DOCS=1 updates the docs)",
			what, faultDocsFile, said, summary, condition.Message)
	case !documented.Writing():
		return nil
	case !agreed || d.since[what].IsZero():
		columns[1], columns[2] = summary, condition.Message
		d.lines[row], d.since[what] = strings.Join(columns, columnEnd), time.Now()
	}
	if time.Since(d.since[what]) < lastWord {
		return fmt.Errorf("the condition may still change: %s: %s", summary, condition.Message)
	}
	return nil
}

// find returns the index of the row and its columns, or -1 if there is none.
func (d *faultDocs) find(what string) (row int, columns []string) {
	for row, line := range d.lines {
		columns := strings.Split(line, columnEnd)
		if columns[0] == "| "+what && len(columns) == 4 {
			return row, columns
		}
	}
	return -1, nil
}
