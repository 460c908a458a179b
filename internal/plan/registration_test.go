// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"testing"
	"time"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// trusted is a snapshot with a certificate that its APIService does not trust yet, whose replica answers well.
func trusted(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	s := snapshottest.New()
	s.Layer = snapshot.Layer{Looked: true}
	snapshottest.Change(&s.Certificates, func(c *snapshot.Certificates) { c.Stored.Bundle = newSigner(t).Certificate })
	s.Server = snapshot.Known[snapshot.Workload]{} // so that no rotation is planned
	target := targetOf(s)
	s.Probes = discovery.NewRound(target, discovery.Records{
		discovery.AtEndpoint(discovery.Replica{Endpoint: snapshottest.Replica}, groupVersion): snapshottest.Fine,
	})
	return s
}

func TestAnAPIServiceIsWrittenOnlyWhereNothingPreventsRequests(t *testing.T) {
	asWanted := func(s *snapshot.Snapshot) {
		existing := snapshottest.APIService()
		wanted := manifests.APIServices(s.ExtensionAPI, s.Trust())[0]
		existing.Spec.CABundle, existing.Spec.Service = wanted.Spec.CABundle, serviceOf(wanted)
		s.Registered = snapshot.Of(map[string]*apiregistrationv1.APIService{existing.Name: existing}, nil)
	}
	for name, test := range map[string]struct {
		change func(*snapshot.Snapshot)
		step   Step
		reason string
	}{
		"there is none":         {snapshottest.Unregister, Create, ""},
		"it leads elsewhere":    {func(*snapshot.Snapshot) {}, Apply, ""},
		"it is as it should be": {asWanted, Apply, ""},
		"it is as it should be, and nothing is probed": {
			func(s *snapshot.Snapshot) { asWanted(s); s.Probes = discovery.Round{} }, Apply, "",
		},
		"it leads elsewhere, and nothing is probed": {
			func(s *snapshot.Snapshot) { s.Probes = discovery.Round{} }, Leave, v1alpha1.ReasonProbing,
		},
		"it leads elsewhere, and the endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, errors.New("timeout")) },
			Leave, v1alpha1.ReasonRetrying,
		},
		"another owner has it": {
			func(s *snapshot.Snapshot) {
				snapshottest.Unregister(s)
				snapshottest.Change(&s.Claims, func(all *[]claims.Claim) { (*all)[0].Standing = claims.Held })
			}, Leave, v1alpha1.ReasonNotClaimed,
		},
		"there is none, and the layer was not checked": {
			func(s *snapshot.Snapshot) { snapshottest.Unregister(s); s.Layer = snapshot.Layer{} },
			Leave, v1alpha1.ReasonProbing,
		},
		"there is none, and the certificate is being replaced": {
			func(s *snapshot.Snapshot) {
				snapshottest.Unregister(s)
				s.Server = snapshot.Of(snapshot.Workload{}, nil)
			}, Leave, v1alpha1.ReasonProbing,
		},
		"there is none, and the layer is not configured": {
			func(s *snapshot.Snapshot) {
				snapshottest.Unregister(s)
				s.Layer = snapshot.Layer{Looked: true, Missing: []string{"A is missing"}}
			}, Leave, v1alpha1.ReasonAggregationLayerNotConfigured,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := trusted(t)
			test.change(s)
			got := nextOf(t, s).Registration.GroupVersions
			if len(got) != 1 || got[0].Step != test.step || got[0].Obstacle.Code != test.reason {
				t.Errorf("planned is %+v, want step %d because of %q", got, test.step, test.reason)
			}
		})
	}
}

func TestTheLayerIsCheckedBeforeAnythingIsRegisteredAndWhereTheServerRefusesKubeAPIServer(t *testing.T) {
	refused := snapshottest.CheckFailed("bad status from https://10.0.0.7:8443/apis/wardle.example.com/v1: 403")
	missing := snapshot.Layer{Looked: true, Missing: []string{"A is missing"}}
	for name, test := range map[string]struct {
		change  func(*snapshot.Snapshot)
		look    bool
		recheck time.Duration
	}{
		"it is registered":          {func(*snapshot.Snapshot) {}, false, 0},
		"it is to be registered":    {snapshottest.Unregister, true, 0},
		"kube-apiserver is refused": {func(s *snapshot.Snapshot) { snapshottest.Register(s, refused) }, true, 0},
		"something is missing, and kube-apiserver is refused": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, refused); s.Layer = missing }, true, 10 * time.Second,
		},
		"something is missing, and it is to be registered": {
			func(s *snapshot.Snapshot) { snapshottest.Unregister(s); s.Layer = missing }, true, 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := trusted(t)
			s.Certificates = snapshot.Of(s.Certificates.Value(), nil)
			test.change(s)
			p := Plan{}
			p.register(s, targetOf(s))
			if p.LookAtLayer != test.look || p.Recheck != test.recheck {
				t.Errorf("it is checked: %t, and again after %s", p.LookAtLayer, p.Recheck)
			}
		})
	}
}
