// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

// lastWord is how long a message must be unchanged before it is written: kube-apiserver checks every 30 s.
const lastWord = 35 * time.Second

// faultDocs are the messages in docs/troubleshooting/faults.md. With WRITE_DOCS=1 they are written, otherwise compared.
type faultDocs struct {
	messages *documented.Messages

	mu sync.Mutex
	// reported is the last message to be written for a fault, and since when it has been reported.
	reported map[string]report
}

type report struct {
	text  string
	since time.Time
}

func openFaultDocs(t *testing.T) *faultDocs {
	t.Helper()
	return &faultDocs{
		messages: documented.From(root+"/docs/troubleshooting", "faults"),
		reported: map[string]report{},
	}
}

// check succeeds when the docs contain the condition of a fault, or, when they are being written, if it has not changed
// for lastWord.
func (d *faultDocs) check(what string, condition metav1.Condition) error {
	text := documented.Text(condition)
	if err := d.messages.Compare(idOf(what), text); err != nil || !documented.Writing() {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.reported[what]
	if !documented.Same(last.text, text) {
		last = report{text, time.Now()}
		d.reported[what] = last
	}
	if time.Since(last.since) < lastWord {
		return fmt.Errorf("the condition may still change: %s", text)
	}
	return nil
}

// idOf is the anchor of a fault's heading.
func idOf(what string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		default:
			return -1
		}
	}, strings.ToLower(what))
}
