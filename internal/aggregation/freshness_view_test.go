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

// looksLike are documents by one letter each; "x" stands for no answer.
var looksLike = map[rune]document{
	'g': documentWith(state{}),
	's': documentWith(state{stale: true}),
	'e': documentWith(state{empty: true}),
	'b': documentWith(state{stale: true, empty: true}),
	'-': {},
}

func documentWith(of state) document {
	return document{states: map[schema.GroupVersion]state{groupVersion: of}}
}

// lookAt adds a look of every kube-apiserver to each of the looks, and marks those after which something is told.
func lookAt(looks map[string]string) (seen views, told string) {
	var now time.Time
	for i := range looks[one] {
		now = now.Add(freshnessInterval)
		documents := map[string]document{}
		for address, letters := range looks {
			if document, answered := looksLike[rune(letters[i])]; answered {
				documents[address] = document
			}
		}
		next := seen.after(documents, now)
		mark := " "
		if next.turned(seen).Has(groupVersion) {
			mark = "!"
		}
		seen, told = next, told+mark
	}
	return seen, told
}

func TestWhatLastsIsReportedAndToldWhenItTurns(t *testing.T) {
	settled := Report{KubeAPIServer: one, Settled: true}
	stale := Report{KubeAPIServer: one, Settled: true, Stale: true}
	empty := Report{KubeAPIServer: one, Settled: true, Empty: true}
	both := Report{KubeAPIServer: one, Settled: true, Stale: true, Empty: true}
	unsettled := Report{KubeAPIServer: one}
	tests := map[string]struct {
		looks, told string
		want        []Report
	}{
		"nobody has looked":                       {"", "", nil},
		"too few looks to know":                   {"ggg", "", []Report{unsettled}},
		"good is settled once":                    {"gggggg", "   !", []Report{settled}},
		"bad from the beginning":                  {"sssss", "   !", []Report{stale}},
		"bad for a moment":                        {"ggggsssgggg", "   !", []Report{settled}},
		"turned bad":                              {"ggggsssss", "   !   !", []Report{stale}},
		"good again":                              {"ssssgg", "   !!", []Report{settled}},
		"flapping":                                {"gsgsgsgs", "   !", []Report{settled}},
		"empty is counted apart from stale":       {"eebbee", "   !", []Report{empty}},
		"stale is counted apart from empty":       {"ssbbbb", "   ! !", []Report{both}},
		"only one of two ends":                    {"bbbbs", "   !!", []Report{stale}},
		"both of one look are told at once":       {"bbbb", "   !", []Report{both}},
		"vanished while it was bad":               {"ssss--", "   !!", nil},
		"vanished while it was good":              {"gggg--", "   !", nil},
		"vanished and back, it is counted anew":   {"gggg-ggg", "   !", []Report{unsettled}},
		"a failed request takes nothing back":     {"ssssxs", "   !", []Report{stale}},
		"a failed request is no look":             {"sssxs", "    !", []Report{stale}},
		"not heard of for less than five minutes": {"ssss" + strings.Repeat("x", 9), "   !", []Report{stale}},
		"not heard of for five minutes":           {"ssss" + strings.Repeat("x", 12), "   !         !", nil},
		"good, and not heard of for five minutes": {"gggg" + strings.Repeat("x", 12), "   !", nil},
		"heard of again, it is counted anew":      {"gggg" + strings.Repeat("x", 10) + "s", "   !", []Report{unsettled}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			seen, told := lookAt(map[string]string{one: test.looks})
			if got := seen.of(groupVersion); !slices.Equal(got, test.want) {
				t.Errorf("after %q got %+v, want %+v", test.looks, got, test.want)
			}
			if told = strings.TrimRight(told, " "); told != test.told {
				t.Errorf("after %q told at %q, want %q", test.looks, told, test.told)
			}
		})
	}
}

func TestEachKubeAPIServerSpeaksForItself(t *testing.T) {
	seen, told := lookAt(map[string]string{one: "gggggggg", other: "xxsssssx"})
	want := []Report{{KubeAPIServer: one, Settled: true}, {KubeAPIServer: other, Settled: true, Stale: true}}
	if got := seen.of(groupVersion); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if told != "   ! !  " {
		t.Errorf("told at %q", told)
	}
}

func TestDocument(t *testing.T) {
	const head = `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"wardle.example.com"},"versions":[`
	tests := map[string]struct {
		body string
		want map[schema.GroupVersion]state
		err  string
	}{
		"current":  {head + `{"version":"v1","resources":[{}],"freshness":"Current"}]}]}`, looksLike['g'].states, ""},
		"stale":    {head + `{"version":"v1","resources":[{}],"freshness":"Stale"}]}]}`, looksLike['s'].states, ""},
		"empty":    {head + `{"version":"v1","freshness":"Current"}]}]}`, looksLike['e'].states, ""},
		"left out": {head + `]}]}`, nil, ""},
		"cut off":  {head, nil, "too early"},
		"not aggregated, as a proxy might answer it": {`{"kind":"APIGroupList"}`, nil, `"APIGroupList"`},
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
