// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

const (
	file = "docs/reference/kubernetes-versions.md"
	// The table is between these lines.
	begin = "<!-- make test-versions writes this table -->\n"
	end   = "<!-- end of the table -->\n"
)

// table returns the table of versions on which no test failed. The numbers of tests and of skipped ones are only
// printed: they change with each new test, and with the machine.
func table(results []result) string {
	var text strings.Builder
	text.WriteString("| kube-apiserver | integration tests |\n|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&text, "| %s | all pass |\n", r.version)
	}
	return text.String()
}

// documentTable compares the table in the docs with this one, or writes it.
func documentTable(table string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	written, err := withTable(string(content), table)
	switch {
	case err != nil || written == string(content):
		return err
	case documented.Writing():
		return os.WriteFile(file, []byte(written), 0o600) //nolint:gosec // the path is constant
	default:
		return fmt.Errorf("the table in %s differs (WRITE_DOCS=1 updates it)", file)
	}
}

func withTable(document, table string) (string, error) {
	before, rest, begins := strings.Cut(document, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the line %q or %q", file, begin, end)
	}
	return before + begin + "\n" + table + "\n" + end + after, nil
}
