// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	one   = "10.0.0.1:6443"
	other = "10.0.0.2:6443"
)

// documentOf maps letters to documents; "x" stands for no response.
var documentOf = map[rune]document{
	'g': documentWith(State{}),
	's': documentWith(State{Stale: true}),
	'e': documentWith(State{Empty: true}),
	'b': documentWith(State{Stale: true, Empty: true}),
	'-': {},
}

func documentWith(of State) document {
	return document{states: map[schema.GroupVersion]State{groupVersion: of}}
}

// pollAll adds the polls of every kube-apiserver, and marks those after which a change is notified.
func pollAll(polls map[string]string) (seen views, notified string) {
	var now time.Time
	for i := range polls[one] {
		now = now.Add(freshnessInterval)
		documents := map[string]document{}
		for address, letters := range polls {
			if document, answered := documentOf[rune(letters[i])]; answered {
				documents[address] = document
			}
		}
		next := seen.after(documents, now)
		mark := " "
		if next.changedFrom(seen).Has(groupVersion) {
			mark = "!"
		}
		seen, notified = next, notified+mark
	}
	return seen, notified
}

func TestLastingStatesAreReportedAndChangesNotified(t *testing.T) {
	settled := Report{KubeAPIServer: one, Settled: true}
	stale := Report{KubeAPIServer: one, Settled: true, Stale: true}
	empty := Report{KubeAPIServer: one, Settled: true, Empty: true}
	both := Report{KubeAPIServer: one, Settled: true, Stale: true, Empty: true}
	unsettled := Report{KubeAPIServer: one}
	tests := map[string]struct {
		polls, notified string
		want            []Report
	}{
		"never polled":                           {"", "", nil},
		"too few polls to settle":                {"ggg", "", []Report{unsettled}},
		"good is settled once":                   {"gggggg", "   !", []Report{settled}},
		"bad from the beginning":                 {"sssss", "   !", []Report{stale}},
		"bad for a short time":                   {"ggggsssgggg", "   !", []Report{settled}},
		"became bad":                             {"ggggsssss", "   !   !", []Report{stale}},
		"good again":                             {"ssssgg", "   !!", []Report{settled}},
		"flapping":                               {"gsgsgsgs", "   !", []Report{settled}},
		"empty is counted apart from stale":      {"eebbee", "   !", []Report{empty}},
		"stale is counted apart from empty":      {"ssbbbb", "   ! !", []Report{both}},
		"only one of two ends":                   {"bbbbs", "   !!", []Report{stale}},
		"both of one poll are notified once":     {"bbbb", "   !", []Report{both}},
		"vanished while it was bad":              {"ssss--", "   !!", nil},
		"vanished while it was good":             {"gggg--", "   !", nil},
		"vanished and back, it is counted again": {"gggg-ggg", "   !", []Report{unsettled}},
		"a failed request withdraws nothing":     {"ssssxs", "   !", []Report{stale}},
		"a failed request is not a poll":         {"sssxs", "    !", []Report{stale}},
		"no response for less than five minutes": {"ssss" + strings.Repeat("x", 9), "   !", []Report{stale}},
		"no response for five minutes":           {"ssss" + strings.Repeat("x", 12), "   !         !", nil},
		"good, and no response for five minutes": {"gggg" + strings.Repeat("x", 12), "   !", nil},
		"responding again, it is counted again":  {"gggg" + strings.Repeat("x", 10) + "s", "   !", []Report{unsettled}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			seen, notified := pollAll(map[string]string{one: test.polls})
			if got := seen.of(groupVersion); !slices.Equal(got, test.want) {
				t.Errorf("after %q got %+v, want %+v", test.polls, got, test.want)
			}
			if notified = strings.TrimRight(notified, " "); notified != test.notified {
				t.Errorf("after %q notified at %q, want %q", test.polls, notified, test.notified)
			}
		})
	}
}

func TestKubeAPIServersAreReportedSeparately(t *testing.T) {
	seen, notified := pollAll(map[string]string{one: "gggggggg", other: "xxsssssx"})
	want := []Report{{KubeAPIServer: one, Settled: true}, {KubeAPIServer: other, Settled: true, Stale: true}}
	if got := seen.of(groupVersion); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if notified != "   ! !  " {
		t.Errorf("notified at %q", notified)
	}
}

func TestDocument(t *testing.T) {
	const head = `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"wardle.example.com"},"versions":[`
	tests := map[string]struct {
		body string
		want map[schema.GroupVersion]State
		err  string
	}{
		"current":        {head + `{"version":"v1","resources":[{}],"freshness":"Current"}]}]}`, documentOf['g'].states, ""},
		"stale":          {head + `{"version":"v1","resources":[{}],"freshness":"Stale"}]}]}`, documentOf['s'].states, ""},
		"empty":          {head + `{"version":"v1","freshness":"Current"}]}]}`, documentOf['e'].states, ""},
		"left out":       {head + `]}]}`, nil, ""},
		"cut off":        {head, nil, "too early"},
		"not aggregated": {`{"kind":"APIGroupList"}`, nil, `"APIGroupList"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := readStates(strings.NewReader(test.body))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got error %v, want %q", err, test.err)
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
