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
// A test of that suite passes the actual message to Messages.Check. With WRITE_DOCS=1 in the environment it is written
// to the block, otherwise it is compared with it.
package documented

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Writing reports whether the docs are written instead of compared (WRITE_DOCS=1).
func Writing() bool { return os.Getenv("WRITE_DOCS") == "1" }

// Messages are the messages in a file that belong to one test suite.
type Messages struct {
	file, suite string

	mu  sync.Mutex
	met map[string]bool
}

// From returns the messages in the file that belong to the suite.
func From(file, suite string) *Messages {
	return &Messages{file: file, suite: suite, met: map[string]bool{}}
}

// Check fails the test when the message is not the documented one of that id, apart from what differs in each run.
func (m *Messages) Check(tb testing.TB, id, message string) {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.met[id] = true
	content, err := os.ReadFile(m.file)
	if err != nil {
		tb.Fatal(err)
	}
	marker := m.suite + "/" + id
	documented, found := parse(string(content))[marker]
	switch {
	case !found:
		tb.Errorf("%s has no message %s: add it as a block in the same form as the others", m.file, marker)
	case Same(documented, message):
	case Writing():
		written := replace(string(content), marker, message)
		if err := os.WriteFile(m.file, []byte(written), 0o600); err != nil { //nolint:gosec // the test names the file
			tb.Error(err)
		}
	default:
		tb.Errorf("message %s in %s is outdated:\n%s\nThe actual message is\n%s\nWRITE_DOCS=1 updates the docs.",
			marker, m.file, documented, message)
	}
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
	content, err := os.ReadFile(m.file)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range missing(parse(string(content)), m.suite, m.met) {
		errs = append(errs, fmt.Errorf("%s has the message %s/%s, which no test has produced: remove it, or add the test",
			m.file, m.suite, id))
	}
	return errors.Join(errs...)
}
