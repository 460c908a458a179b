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
	faultDocsFile = "docs/faults.md"
	// columnEnd is what messages never have in them.
	columnEnd = " | "
	// lastWord is how long a message must stay the same before it is written down: kube-apiserver looks each 30 s.
	lastWord = 35 * time.Second
)

// faultDocs is the table of docs/faults.md, where a row begins with the fault, the condition and the message that tell
// it. With WRITE_DOCS=1 the conditions and messages are written, otherwise compared.
type faultDocs struct {
	mu    sync.Mutex
	lines []string
	// since is when what is to be written of a fault was told first.
	since map[string]time.Time
}

// openFaultDocs reads the docs, and writes them when the test ends, if wanted.
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

// check succeeds when the docs say what is told of a fault, or have said it for a while when they are being written.
func (d *faultDocs) check(what string, told metav1.Condition) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	row, columns := d.find(what)
	if row < 0 {
		return fmt.Errorf("%s has no row for %q", faultDocsFile, what)
	}
	said, condition := columns[1]+": "+columns[2], fmt.Sprintf("%s %s", told.Status, told.Reason)
	agreed := documented.Same(said, condition+": "+told.Message)
	switch {
	case !documented.Writing() && !agreed:
		return fmt.Errorf("of %q, %s says\n%s\nbut told is\n%s: %s\n(WRITE_DOCS=1 corrects the docs)",
			what, faultDocsFile, said, condition, told.Message)
	case !documented.Writing():
		return nil
	case !agreed || d.since[what].IsZero():
		columns[1], columns[2] = condition, told.Message
		d.lines[row], d.since[what] = strings.Join(columns, columnEnd), time.Now()
	}
	if time.Since(d.since[what]) < lastWord {
		return fmt.Errorf("this may not be the last word: %s: %s", condition, told.Message)
	}
	return nil
}

// find returns the number of the row and its columns, -1 when there is none.
func (d *faultDocs) find(what string) (row int, columns []string) {
	for row, line := range d.lines {
		columns := strings.Split(line, columnEnd)
		if columns[0] == "| "+what && len(columns) == 4 {
			return row, columns
		}
	}
	return -1, nil
}
