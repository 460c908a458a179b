// SPDX-License-Identifier: Apache-2.0

// Package documented keeps the messages in the docs up to date: each is documented as a test has produced it.
//
// A message is a text block below a marker, which names the test suite that produces the message, and the message:
//
//	<!-- message: integration/image-pull -->
//	```text
//	ServerAvailable=False ImagePullFailed: ...
//	```
//
// A test of that suite passes the actual message to Messages.Check or Compare. With WRITE_DOCS=1 in the environment it
// is written to the block, otherwise it is compared with it.
package documented

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Writing reports whether the docs are written instead of compared (WRITE_DOCS=1).
func Writing() bool { return os.Getenv("WRITE_DOCS") == "1" }

// Messages are the messages in the Markdown files of a directory that belong to one test suite.
type Messages struct {
	directory, suite string

	mu  sync.Mutex
	met map[string]bool
}

// From returns the messages in the files of the directory that belong to the suite.
func From(directory, suite string) *Messages {
	return &Messages{directory: directory, suite: suite, met: map[string]bool{}}
}

// Check fails the test when the message is not the documented one of that id, apart from what differs in each run.
func (m *Messages) Check(tb testing.TB, id, message string) {
	tb.Helper()
	if err := m.Compare(id, message); err != nil {
		tb.Error(err)
	}
}

// Compare returns an error when the message is not the documented one of that id, apart from what differs in each run.
func (m *Messages) Compare(id, message string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.met[id] = true
	marker := m.suite + "/" + id
	file, content, err := m.find(marker)
	if err != nil {
		return err
	}
	switch documented := parse(content)[marker]; {
	case Same(documented, message):
		return nil
	case Writing():
		return os.WriteFile(file, []byte(replace(content, marker, message)), 0o600)
	default:
		return fmt.Errorf("message %s in %s is outdated:\n%s\nThe actual message is\n%s\nWRITE_DOCS=1 updates the docs",
			marker, file, documented, message)
	}
}

// find returns the file that has a message, and its content.
func (m *Messages) find(marker string) (file, content string, err error) {
	pages, err := read(m.directory)
	if err != nil {
		return "", "", err
	}
	for file, content := range pages {
		if _, found := parse(content)[marker]; found {
			return file, content, nil
		}
	}
	return "", "", fmt.Errorf("%s has no message %s: add it as a block in the same form as the others",
		m.directory, marker)
}

// read returns the content of the Markdown files of a directory.
func read(directory string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.md"))
	if err != nil {
		return nil, err
	}
	pages := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // the test names the directory
		if err != nil {
			return nil, err
		}
		pages[file] = string(content)
	}
	return pages, nil
}

// Text returns a condition as it is written in the docs.
func Text(condition metav1.Condition) string {
	return fmt.Sprintf("%s=%s %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
}

// CheckAllMet returns an error for each documented message that no test of the suite has produced. It is meaningful
// only after all tests have run.
func (m *Messages) CheckAllMet() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	pages, err := read(m.directory)
	if err != nil {
		return err
	}
	var errs []error
	for file, content := range pages {
		for _, id := range missing(parse(content), m.suite, m.met) {
			errs = append(errs, fmt.Errorf("%s has the message %s/%s, which no test has produced: remove it, or add the test",
				file, m.suite, id))
		}
	}
	return errors.Join(errs...)
}
