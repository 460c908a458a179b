// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// result is the result of the tests on one version.
type result struct {
	version                 string
	passed, failed, skipped int
	// ended is the error of go test, nil if all tests passed.
	ended error
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Test, Output string
	// Elapsed is in seconds.
	Elapsed float64
}

// read counts the tests, including subtests, and writes to progress: the result of each, and the output of the suite or
// of a failed or skipped test.
func (r *result) read(events io.Reader, progress io.Writer) error {
	output := map[string]string{}
	for decoder := json.NewDecoder(events); ; {
		e := event{}
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go test -json: %w", err)
		}
		if !strings.HasPrefix(e.Output, "=== ") { // a test runs, pauses, continues
			output[e.Test] += e.Output
		}
		if r.count(e) {
			report(progress, e, output[e.Test])
			delete(output, e.Test)
		}
	}
}

// count reports whether a test, or the suite, which has no name, has finished.
func (r *result) count(e event) bool {
	counter := map[string]*int{"pass": &r.passed, "fail": &r.failed, "skip": &r.skipped}[e.Action]
	if counter != nil && e.Test != "" {
		*counter++
	}
	return counter != nil
}

func report(progress io.Writer, e event, output string) {
	if e.Action != "pass" {
		_, _ = io.WriteString(progress, output)
	}
	if e.Test != "" && !strings.Contains(e.Test, "/") {
		_, _ = fmt.Fprintf(progress, "%s %s (%.0f s)\n", e.Action, e.Test, e.Elapsed)
	}
}

// failures returns an error that lists the versions on which the suite failed.
func failures(results []result) error {
	var errs []error
	for _, r := range results {
		if r.failed > 0 || r.ended != nil {
			errs = append(errs, fmt.Errorf("on Kubernetes %s: %d tests failed, go test: %w", r.version, r.failed, r.ended))
		}
	}
	return errors.Join(errs...)
}
