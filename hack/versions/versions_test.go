// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const recorded = `{"Action":"start"}
{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"    a_test.go:1: all is well\n"}
{"Action":"output","Test":"TestB/inner","Output":"=== RUN   TestB/inner\n"}
{"Action":"output","Test":"TestB/inner","Output":"    b_test.go:1: it is broken\n"}
{"Action":"fail","Test":"TestB/inner","Elapsed":1.1}
{"Action":"fail","Test":"TestB","Elapsed":1.2}
{"Action":"output","Test":"TestC","Output":"    c_test.go:1: not here\n"}
{"Action":"skip","Test":"TestC","Elapsed":0}
{"Action":"pass","Test":"TestA","Elapsed":2.6}
{"Action":"output","Output":"RBAC refused a request\n"}
{"Action":"fail","Elapsed":3}
`

func TestResultsAreCountedAndFailuresReported(t *testing.T) {
	r, progress := result{version: "v1.34.0"}, strings.Builder{}
	if err := r.read(strings.NewReader(recorded), &progress); err != nil {
		t.Fatal(err)
	}
	if want := (result{version: "v1.34.0", passed: 1, failed: 2, skipped: 1}); r != want {
		t.Errorf("counted %+v, want %+v", r, want)
	}
	output := progress.String()
	for _, wanted := range []string{"it is broken", "fail TestB (1 s)", "not here", "pass TestA (3 s)", "RBAC refused"} {
		if !strings.Contains(output, wanted) {
			t.Errorf("%q is missing in\n%s", wanted, output)
		}
	}
	for _, unwanted := range []string{"all is well", "fail TestB/inner", "==="} {
		if strings.Contains(output, unwanted) {
			t.Errorf("%q is unexpected in\n%s", unwanted, output)
		}
	}
}

func TestSuitesCanFailWithoutAFailedTest(t *testing.T) {
	well := result{version: "v1.35.0", passed: 3}
	if err := failures([]result{well}); err != nil {
		t.Error(err)
	}
	ended := result{version: "v1.34.0", passed: 3, ended: errors.New("exit status 1")}
	if err := failures([]result{ended, well}); err == nil || !strings.Contains(err.Error(), "v1.34.0: 0 tests failed") ||
		strings.Contains(err.Error(), "v1.35.0") {
		t.Errorf("got %v", err)
	}
}

func TestWithTableReplacesOnlyTheTable(t *testing.T) {
	written, err := withTable("before\n"+begin+"old\n"+end+"after\n", "new\n")
	if want := "before\n" + begin + "\nnew\n\n" + end + "after\n"; err != nil || written != want {
		t.Errorf("wrote %q, %v; want %q", written, err, want)
	}
	if _, err := withTable("before\n"+begin, "new\n"); err == nil {
		t.Error("no error for a document without the end of the table")
	}
}

func TestDocsContainTheTable(t *testing.T) {
	content, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := withTable(string(content), ""); err != nil {
		t.Error(err)
	}
}
