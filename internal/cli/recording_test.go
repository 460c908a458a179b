// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/golden"
)

func reporting(discovery *v1alpha1.DiscoveryStatus) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: "wardle"},
		Status: v1alpha1.ExtensionAPIStatus{APIServices: []v1alpha1.APIServiceStatus{
			{Name: "v1.wardle.example.com", Discovery: discovery},
		}},
	}
}

// TestAPlotShowsPercentilesOverTime compares the plot. `go test ./internal/cli -update` writes the file.
func TestAPlotShowsPercentilesOverTime(t *testing.T) {
	r := &recording{}
	for i := range 20 {
		r.add(reporting(measured(time.Duration(10+i%7)*time.Millisecond)), noon.Add(time.Duration(i)*5*time.Second))
	}
	r.add(reporting(nil), noon.Add(100*time.Second)) // a gap
	r.add(reporting(&v1alpha1.DiscoveryStatus{Error: "answered 500\x1b[2J"}), noon.Add(105*time.Second))
	r.add(reporting(measured(20*time.Millisecond)), noon.Add(110*time.Second))
	var text strings.Builder
	r.plot(&text, false)
	golden.Compare(t, "history.txt", []byte(text.String()))
	if strings.Contains(text.String(), "\x1b") {
		t.Error("there are control characters in it")
	}
}

func TestColouredPlotsAreForTerminals(t *testing.T) {
	r := &recording{}
	r.add(reporting(measured(time.Millisecond)), noon)
	r.add(reporting(measured(time.Millisecond)), noon.Add(time.Second))
	var text strings.Builder
	r.plot(&text, true)
	if !strings.Contains(text.String(), "\x1b[") || !strings.Contains(text.String(), "p99 2.0ms") {
		t.Errorf("got %q", text.String())
	}
}

func TestWhatIsNotMeasuredIsNotPlotted(t *testing.T) {
	for name, test := range map[string]struct {
		extensionAPI *v1alpha1.ExtensionAPI
		want         string
	}{
		"no APIService":  {&v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "wardle"}}, "has not reported"},
		"no measurement": {reporting(nil), "v1.wardle.example.com: p50 -, p99 -, max -\n"},
		"a failure":      {reporting(&v1alpha1.DiscoveryStatus{Error: "answered\x1b 500"}), `answered\x1b 500`},
	} {
		r := &recording{}
		r.add(test.extensionAPI, noon)
		var text strings.Builder
		r.plot(&text, false)
		if !strings.Contains(text.String(), test.want) || strings.Contains(text.String(), "┤") {
			t.Errorf("%s: got %q", name, text.String())
		}
	}
}

func TestOnlyTheLastPointsAreKept(t *testing.T) {
	r := &recording{}
	for i := range keptPoints + 5 {
		r.add(reporting(measured(time.Millisecond)), noon.Add(time.Duration(i)*time.Second))
	}
	document := r.document()
	if len(document) != 1 || len(document[0].Points) != keptPoints || *document[0].Points[0].P99 != 2 ||
		!document[0].Points[0].Time.Equal(&metav1.Time{Time: noon.Add(5 * time.Second)}) {
		t.Errorf("got %+v", document)
	}
}
