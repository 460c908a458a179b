// SPDX-License-Identifier: Apache-2.0

// Package documented keeps messages in the docs true: each stands there as a test has met it.
//
// A message is a block of text below a marker, which names the suite of tests that the message comes from, and the
// message:
//
//	<!-- message: integration/image-pull -->
//	```text
//	ServerAvailable=False ImagePullFailed: ...
//	```
//
// A test of that suite passes what it meets to Messages.Check. With WRITE_DOCS=1 in the environment it is written into
// the block, otherwise compared with it.
package documented

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Writing tells whether the docs are to be written instead of compared.
func Writing() bool { return os.Getenv("WRITE_DOCS") == "1" }

// Messages are those in a file that come from one suite of tests.
type Messages struct {
	file, suite string

	mu  sync.Mutex
	met map[string]bool
}

// From returns the messages in the file that come from the suite.
func From(file, suite string) *Messages {
	return &Messages{file: file, suite: suite, met: map[string]bool{}}
}

// Check fails the test when what it has met is not what the docs say under that id, but for what differs each time.
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
		tb.Errorf("%s has no message %s: add it as a block of the same form as the others", m.file, marker)
	case Same(documented, message):
	case Writing():
		written := replace(string(content), marker, message)
		if err := os.WriteFile(m.file, []byte(written), 0o600); err != nil { //nolint:gosec // the test names the file
			tb.Error(err)
		}
	default:
		tb.Errorf("of %s, %s says\n%s\nbut the test met\n%s\n(WRITE_DOCS=1 corrects the docs)",
			marker, m.file, documented, message)
	}
}

// Text is how the docs tell of a condition.
func Text(condition metav1.Condition) string {
	return fmt.Sprintf("%s=%s %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
}

// CheckAllMet returns an error when the docs have messages that no test of the suite has met. It is of use when all
// tests have run.
func (m *Messages) CheckAllMet() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, err := os.ReadFile(m.file)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range missing(parse(string(content)), m.suite, m.met) {
		errs = append(errs, fmt.Errorf("%s has the message %s/%s, which no test has met: take it out, or add the test",
			m.file, m.suite, id))
	}
	return errors.Join(errs...)
}
