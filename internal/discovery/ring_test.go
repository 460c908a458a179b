// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestRingKeepsTheLastSamplesInOrderWithTheirTimes(t *testing.T) {
	begin := time.Unix(1000, 0)
	for _, count := range []int{0, 1, 2, limits.Samples - 1, limits.Samples, limits.Samples + 1, 3*limits.Samples + 7} {
		r, at := ring{}, begin
		for i := range count {
			at = at.Add(time.Duration(i%7) * time.Second)
			r.add(Sample{Latency: at.Sub(begin)}, at)
		}
		kept := 0
		var before time.Duration
		for began, sample := range r.all() {
			if sample.duration() != began.Sub(begin) || sample.duration() < before {
				t.Errorf("of %d samples, the one at %s is stored as one at %s", count, sample.duration(), began.Sub(begin))
			}
			before = sample.duration()
			kept++
		}
		if kept != min(count, limits.Samples) || before != at.Sub(begin) {
			t.Errorf("of %d samples %d are stored, the last one at %s instead of %s", count, kept, before, at.Sub(begin))
		}
	}
}

func TestCompactSamplesKeepTheirKindAndTiming(t *testing.T) {
	tests := map[string]Sample{
		"a quick answer":   {Latency: 1500 * time.Microsecond, Timing: Timing{Wait: 1500 * time.Microsecond, Warm: true}},
		"slow to connect":  {Latency: time.Second, Timing: Timing{Connect: time.Second}},
		"slow to transfer": {Latency: time.Minute, Timing: Timing{Transfer: time.Minute}},
		"a failed one":     {Latency: time.Second, Err: &ProbeError{Class: ClassServerError, Text: "text", Status: 503}},
		"not sent":         {Err: &ProbeError{Class: ClassNotSent, Text: "text"}},
	}
	errorFor := func(kind ProbeError) error {
		kind.Text = "text"
		return &kind
	}
	for name, sample := range tests {
		t.Run(name, func(t *testing.T) {
			got := compact(sample).sample(errorFor)
			if got.Latency != sample.Latency || got.Timing != sample.Timing || compareKinds(got, sample) != 0 ||
				errorText(got.Err) != errorText(sample.Err) {
				t.Errorf("%+v became %+v", sample, got)
			}
		})
	}
}

func TestCompactSamplesKeepEveryClass(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "probe_error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		declared, found := node.(*ast.ValueSpec)
		if !found || len(declared.Values) != 1 {
			return true
		}
		if literal, found := declared.Values[0].(*ast.BasicLit); found {
			class, _ := strconv.Unquote(literal.Value)
			if got := classes[compact(Sample{Err: &ProbeError{Class: Class(class)}}).class]; got != Class(class) {
				t.Errorf("%q is stored as %q", class, got)
			}
		}
		return true
	})
}

func TestCompactSampleTakesSixteenBytes(t *testing.T) {
	if size := unsafe.Sizeof(compactSample{}); size != 16 {
		t.Errorf("it takes %d bytes", size)
	}
}
