// SPDX-License-Identifier: Apache-2.0

package check

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/docs"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

func TestEveryCheckIsDocumented(t *testing.T) {
	known, err := runbook.Read(docs.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range sections {
		for _, check := range section.checks {
			if len(known.Explain(check.id)) != 1 {
				t.Errorf("docs/reference/kubectl-plugin.md does not have one row for check %s", check.id)
			}
		}
	}
}
