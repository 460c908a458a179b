// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// An operator that has just started has no record of the breach for which a replica was ejected.
func TestEjectedReplicasAreProbedOnlyAtTheInterval(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{Policy: testPolicy, Replicas: []Replica{
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-a"}, Ejected: true},
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.8:8443", Pod: "api-b"}},
	}}
	ejected := documentAt(target.Replicas[0].Endpoint, DocumentAPIs)
	serving := documentAt(target.Replicas[1].Endpoint, DocumentAPIs)
	l := newLoop("wardle", target, newGate(nil), now)
	checkDue := func(what string, wantEjected bool) {
		t.Helper()
		isDue := l.plan(target, now)
		if isDue(ejected) != wantEjected || !isDue(serving) {
			t.Errorf("%s: probes the ejected replica: %t, want %t; probes the other one: %t, want true",
				what, isDue(ejected), wantEjected, isDue(serving))
		}
		l.remember(target, answers{samples: map[Key]Sample{ejected: {}, serving: {}}}, now)
	}
	checkDue("at the start", true)
	target.Service = "10.96.0.1:443"
	checkDue("with a changed target", false)
	now = now.Add(testPolicy.Interval)
	checkDue("after the interval", true)
}
