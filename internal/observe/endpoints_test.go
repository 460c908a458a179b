// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

func TestAnEjectedPodIsNoEndpointAnyMoreThoughTheEndpointSlicesShowIt(t *testing.T) {
	stillThere := []endpoints.Endpoint{{Pod: "a"}, {Pod: "b"}, {Address: "10.0.0.9:8443"}}
	pods := []corev1.Pod{ready("a"), ready("b")}
	ejection.Record(&pods[0], noon, "took 7s")
	got := withoutEjected(stillThere, pods)
	if !slices.Equal(got, []endpoints.Endpoint{{Pod: "b"}, {Address: "10.0.0.9:8443"}}) {
		t.Errorf("left are %v", got)
	}
}
