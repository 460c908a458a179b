// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/golden"
)

var version = schema.GroupVersion{Group: "shop.example.com", Version: "v1"}

// tested runs the cases against a handler that stands for kube-apiserver, and returns the status of each.
func tested(t *testing.T, handler http.Handler, options Options, denied ...string) map[string]Case {
	t.Helper()
	cluster := connecttest.Cluster(t, connecttest.Permitting(handler, denied...))
	results := map[string]Case{}
	for _, result := range Run(t.Context(), cluster, clock.RealClock{}, version, options).Cases {
		results[result.Name] = result
	}
	return results
}

const (
	discoveryCase = "discovery answers within 5s"
	apisCase      = "aggregated discovery contains the group-version"
	openAPICase   = "OpenAPI v3 describes the group-version"
	listCase      = "widgets: LIST as the namespace controller does it"
	tableCase     = "widgets: LIST as a table, as kubectl get does it"
	watchCase     = "widgets: WATCH sends the bookmark that ends the initial events, or refuses to"
)

func TestAServerPassesThatDoesWhatIsExpected(t *testing.T) {
	results := tested(t, extensionserver.New(version), Options{Load: 20})
	for _, name := range []string{
		discoveryCase, apisCase, openAPICase, listCase, tableCase, "20 discovery requests succeed in time",
	} {
		if results[name].Status != Passed {
			t.Errorf("%s: %+v", name, results[name])
		}
	}
}

func TestWhatAServerDoesWrongFails(t *testing.T) {
	failing := extensionserver.Fault{Status: http.StatusInternalServerError}
	for name, test := range map[string]struct {
		behaviour extensionserver.Behaviour
		fails     string
	}{
		"discovery":                {extensionserver.Behaviour{Discovery: failing}, discoveryCase},
		"not served":               {extensionserver.Behaviour{NotServed: []string{version.String()}}, discoveryCase},
		"left out":                 {extensionserver.Behaviour{LeftOut: []string{version.String()}}, apisCase},
		"no resources":             {extensionserver.Behaviour{Empty: []string{version.String()}}, apisCase},
		"OpenAPI":                  {extensionserver.Behaviour{OpenAPI: failing}, openAPICase},
		"another group-version":    {extensionserver.Behaviour{AnswerFor: "other/v1"}, discoveryCase},
		"aggregated discovery 500": {extensionserver.Behaviour{APIs: failing}, apisCase},
	} {
		t.Run(name, func(t *testing.T) {
			server := extensionserver.New(version)
			server.Behave(test.behaviour)
			if result := tested(t, server, Options{})[test.fails]; result.Status != Failed || result.Detail == "" {
				t.Errorf("got %+v", result)
			}
		})
	}
}

func TestAWatchIsJudgedByItsBookmark(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		status int
		denied []string
		want   Status
	}{
		"bookmark": {
			`{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}`,
			http.StatusOK, nil, Passed,
		},
		"none":          {`{"type":"ADDED","object":{}}`, http.StatusOK, nil, Failed},
		"refused":       {"", http.StatusUnprocessableEntity, nil, Passed},
		"not permitted": {"", http.StatusOK, []string{"watch"}, Skipped},
		"broken":        {"", http.StatusInternalServerError, nil, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			results := tested(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("watch") != "" {
					w.WriteHeader(test.status)
					_, _ = fmt.Fprintln(w, test.answer)
					return
				}
				_, _ = fmt.Fprintf(w, `{"groupVersion":"%s","resources":[{"name":"widgets","verbs":["watch"]}]}`, version)
			}), Options{}, test.denied...)
			if results[watchCase].Status != test.want {
				t.Errorf("got %+v, want %s", results[watchCase], test.want)
			}
		})
	}
}

func TestAServerNeedNotFallBackToJSON(t *testing.T) {
	server := extensionserver.New(version)
	results := tested(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Metadata has a protobuf encoding everywhere.
		if strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.kubernetes.protobuf,") {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		server.ServeHTTP(w, r)
	}), Options{})
	const name = "widgets: LIST falls back to JSON for clients that prefer protobuf"
	if results[name].Status != Skipped || results[listCase].Status != Passed {
		t.Errorf("got %+v", results)
	}
}

func TestALoadPassesIfEveryRequestSucceedsInTime(t *testing.T) {
	sample := func(latency time.Duration, err error) discovery.Sample {
		return discovery.Sample{Latency: latency, Err: err}
	}
	if err := judgeLoad([]discovery.Sample{sample(time.Millisecond, nil), sample(4*time.Second, nil)}); err.Error() !=
		"p50 1ms, p90 4s, p99 4s, max 4s" || !errors.As(err, new(notedError)) {
		t.Errorf("got %v", err)
	}
	if err := judgeLoad([]discovery.Sample{sample(6*time.Second, nil)}); errors.As(err, new(notedError)) {
		t.Errorf("a request that took 6 s passes: %v", err)
	}
	failed := sample(0, errors.New("refused"))
	err := judgeLoad([]discovery.Sample{sample(time.Millisecond, nil), failed})
	if err == nil || err.Error() != "1 of 2 failed, such as: refused" {
		t.Errorf("got %v", err)
	}
}

// TestReports compares the formats. `go test ./internal/contract -update` writes the files.
func TestReports(t *testing.T) {
	suites := []Suite{{Name: "shop.example.com/v1", Cases: []Case{
		{Name: "it answers", Status: Passed, Took: 1500 * time.Microsecond, Detail: "in 1.5ms"},
		{Name: "it lists <all> #1", Status: Failed, Took: time.Second, Detail: "answered 500: \x1b[2J\nnot ok 7"},
		{Name: "it watches", Status: Skipped, Detail: "not permitted"},
	}}}
	for file, write := range map[string]func(*bytes.Buffer) error{
		"report.tap": func(b *bytes.Buffer) error { return TAP(b, suites) },
		"report.xml": func(b *bytes.Buffer) error { return JUnit(b, suites) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.String(), "\x1b") {
			t.Errorf("%s contains a control character", file)
		}
		golden.Compare(t, file, got.Bytes())
	}
	if suites[0].Passed() {
		t.Error("a suite with a failed case passes")
	}
}
