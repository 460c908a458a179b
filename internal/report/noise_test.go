// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAFigureIsRewrittenOnlyWhenItMoves(t *testing.T) {
	tests := map[string]struct {
		before, after *v1alpha1.DiscoveryStatus
		noise         bool
	}{
		"the first is reported":        {nil, took(3 * time.Millisecond), false},
		"noise is not":                 {took(3 * time.Millisecond), took(90 * time.Millisecond), true},
		"more than a tenth is":         {took(3 * time.Millisecond), took(600 * time.Millisecond), false},
		"crossing the limit is":        {took(4990 * time.Millisecond), took(5010 * time.Millisecond), false},
		"a success after a failure is": {&v1alpha1.DiscoveryStatus{Error: "x"}, took(time.Millisecond), false},
		"another failure is":           {&v1alpha1.DiscoveryStatus{Error: "x"}, &v1alpha1.DiscoveryStatus{Error: "y"}, false},
		"one sample more is not": {
			took(time.Second), &v1alpha1.DiscoveryStatus{Last: took(time.Second).Last, Samples: 2}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, after := statusWith(test.before), statusWith(test.after)
			if got := OnlyNoise(before, after, limited); got != test.noise {
				t.Errorf("taken for noise: %v", got)
			}
		})
	}
}

// statusWith has the figures of an APIService, and those of two endpoints of which the worse comes first.
func statusWith(shown *v1alpha1.DiscoveryStatus) *v1alpha1.ExtensionAPIStatus {
	endpoints := []v1alpha1.EndpointStatus{
		{Address: "10.0.0.1:8443", Discovery: shown}, {Address: "10.0.0.2:8443", Discovery: took(50 * time.Millisecond)},
	}
	if shown != nil && shown.Last != nil && shown.Last.Duration < 50*time.Millisecond {
		slices.Reverse(endpoints)
	}
	return &v1alpha1.ExtensionAPIStatus{
		APIServices: []v1alpha1.APIServiceStatus{{Name: "v1.wardle.example.com", Discovery: shown}}, Endpoints: endpoints,
	}
}

func TestAnythingButFiguresIsNoNoise(t *testing.T) {
	before, after := statusWith(took(time.Second)), statusWith(took(time.Second))
	after.Endpoints[0].Pod = "another"
	if OnlyNoise(before, after, limited) {
		t.Error("another Pod is taken for noise")
	}
	after = statusWith(took(time.Second))
	after.Endpoints = after.Endpoints[:1]
	if OnlyNoise(before, after, limited) {
		t.Error("an endpoint less is taken for noise")
	}
}

func TestAnotherFigureInTheMessageIsNoise(t *testing.T) {
	shown := func(message string) *v1alpha1.ExtensionAPIStatus {
		status := statusWith(took(time.Second))
		status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionDiscoveryWithinLimit, Message: message}}
		return status
	}
	if !OnlyNoise(shown("x took 6.2s (limit 5s)"), shown("x took 6.3s (limit 5s)"), limited) {
		t.Error("another figure is no noise")
	}
	if OnlyNoise(shown("x took 6.2s (limit 5s)"), shown("y took 6.2s (limit 5s)"), limited) {
		t.Error("another culprit is noise")
	}
}
