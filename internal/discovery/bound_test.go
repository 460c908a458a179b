// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// replicas returns count replicas, the last of which are ejected.
func replicas(count, ejected int) []Replica {
	var result []Replica
	for i := range count {
		result = append(result, Replica{
			Endpoint: endpoints.Endpoint{Address: fmt.Sprintf("10.0.%d.%d:8443", i/250, i%250)}, Ejected: i >= count-ejected,
		})
	}
	return result
}

func TestRoundsAreBounded(t *testing.T) {
	for name, test := range map[string]struct{ groupVersions, replicas, probed int }{
		"a usual server":        {2, 3, 3},
		"none":                  {1, 0, 0},
		"many group-versions":   {256, 100, 14},
		"many replicas":         {1, 10_000, 1365},
		"more than are allowed": {5000, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			target := Target{
				Service:       "10.96.0.1:443",
				GroupVersions: make([]schema.GroupVersion, test.groupVersions),
				Replicas:      SelectReplicas(replicas(test.replicas, 0), test.groupVersions),
			}
			if len(target.Replicas) != test.probed {
				t.Errorf("%d replicas are probed, want %d", len(target.Replicas), test.probed)
			}
			if requests := target.requests(0); requests > limits.ProbesOfRound && test.probed > 1 {
				t.Errorf("a round has %d requests", requests)
			}
		})
	}
}

func TestProbedReplicasDoNotDependOnOrder(t *testing.T) {
	all := replicas(100, 0)
	first := SelectReplicas(all, 256)
	slices.Reverse(all)
	if second := SelectReplicas(all, 256); !slices.Equal(first, second) {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestEjectedReplicasAreProbedFirst(t *testing.T) {
	probed := SelectReplicas(replicas(100, 3), 256)
	ejected := slices.IndexFunc(probed, func(r Replica) bool { return !r.Ejected })
	if ejected != 3 {
		t.Errorf("%d of 3 ejected replicas are probed", ejected)
	}
}
