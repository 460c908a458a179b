// SPDX-License-Identifier: Apache-2.0

package ejection

import (
	"cmp"
	"reflect"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

var standings = map[string]discovery.Standing{
	"good": discovery.Healthy, "bad": discovery.Unhealthy, "new": discovery.Unsettled,
}

// replicasOf parses replicas such as "a:good b:bad c:ejected+bad".
func replicasOf(words string) []Replica {
	var replicas []Replica
	for word := range strings.FieldsSeq(words) {
		pod, state, _ := strings.Cut(word, ":")
		standing, ejected := strings.CutPrefix(state, "ejected+")
		replicas = append(replicas, Replica{pod, ejected, standings[standing]})
	}
	return replicas
}

func TestNext(t *testing.T) {
	tests := map[string]struct {
		replicas string
		disabled bool
		percent  int32 // 50 unless it is set
		want     Plan
	}{
		"good replicas stay":                     {replicas: "a:good b:good"},
		"no replicas, no step":                   {},
		"a bad one is ejected beside a good one": {replicas: "a:bad b:good", want: Plan{Eject: []string{"a"}}},
		"the only one is never ejected":          {replicas: "a:bad"},
		"nothing is ejected when all are bad":    {replicas: "a:bad b:bad"},
		"a new one does not count as good":       {replicas: "a:bad b:new"},
		"a new one is not judged":                {replicas: "a:new b:good"},
		"half may be ejected, the worst first": {
			replicas: "a:bad b:bad c:bad d:good",
			want:     Plan{Eject: []string{"a", "b"}},
		},
		"half of an odd number is rounded down": {replicas: "a:bad b:bad c:good", want: Plan{Eject: []string{"a"}}},
		"with a smaller share fewer are ejected": {
			replicas: "a:bad b:bad c:good d:good e:good", percent: 39,
			want: Plan{Eject: []string{"a"}},
		},
		"with a share below one replica one is ejected": {
			replicas: "a:bad b:bad c:good", percent: 1,
			want: Plan{Eject: []string{"a"}},
		},
		"with a share of all, all are ejected but the good one": {
			replicas: "a:bad b:bad c:bad d:good", percent: 100,
			want: Plan{Eject: []string{"a", "b", "c"}},
		},
		"a share of all ejects none beside others in an unknown state": {replicas: "a:bad b:bad c:new", percent: 100},
		"the least bad are restored if the share becomes smaller": {
			replicas: "a:ejected+bad b:ejected+bad c:ejected+bad d:good", percent: 25,
			want: Plan{Restore: []string{"b", "c"}, Reason: TooMany},
		},
		"already ejected ones count": {
			replicas: "a:ejected+bad b:bad c:good d:good",
			want:     Plan{Eject: []string{"b"}},
		},
		"no more than half, after others are gone":       {replicas: "a:ejected+bad b:ejected+bad c:bad d:good"},
		"an ejected one stays ejected beside a good one": {replicas: "a:ejected+bad b:good"},
		"the least bad is restored if more than half would be ejected": {
			replicas: "a:ejected+bad b:ejected+bad c:good",
			want:     Plan{Restore: []string{"b"}, Reason: TooMany},
		},
		"an ejected one in an unknown state waits":      {replicas: "a:ejected+new b:good"},
		"so does one beside others in an unknown state": {replicas: "a:ejected+bad b:new c:bad"},
		"one that has recovered is restored": {
			replicas: "a:ejected+good b:ejected+bad c:good d:good",
			want:     Plan{Restore: []string{"a"}, Reason: Recovered},
		},
		"one that has recovered is restored before others are ejected": {
			replicas: "a:bad b:ejected+good c:good d:good",
			want:     Plan{Restore: []string{"b"}, Reason: Recovered},
		},
		"only the recovered one is restored if the others become bad": {
			replicas: "a:bad b:ejected+good c:ejected+bad d:bad",
			want:     Plan{Restore: []string{"b"}, Reason: Recovered},
		},
		"all are restored if all are bad": {
			replicas: "a:ejected+bad b:bad",
			want:     Plan{Restore: []string{"a"}, Reason: NoneHealthy},
		},
		"all are restored if nothing else is left": {
			replicas: "a:ejected+bad b:ejected+new",
			want:     Plan{Restore: []string{"a", "b"}, Reason: NoneHealthy},
		},
		"all are restored if ejection is disabled": {
			replicas: "a:ejected+bad b:bad c:good", disabled: true,
			want: Plan{Restore: []string{"a"}, Reason: Disabled},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Next(Bounds{test.disabled, cmp.Or(test.percent, 50)}, replicasOf(test.replicas))
			if got.IsEmpty() && test.want.IsEmpty() {
				return
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("for %q: got %+v, want %+v", test.replicas, got, test.want)
			}
		})
	}
}
