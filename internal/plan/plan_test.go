// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

var (
	noon         = snapshottest.Noon
	groupVersion = snapshottest.GroupVersion
)

func newSigner(t *testing.T) pki.KeyPair {
	t.Helper()
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func nextOf(t *testing.T, s *snapshot.Snapshot) Plan {
	t.Helper()
	p, err := Next(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// parts are the names of those that are planned.
func parts(p Plan) (planned []string) {
	for _, part := range []struct {
		name    string
		planned bool
	}{
		{"certificates", p.Certificates != nil},
		{"rotation", p.Certificates != nil && p.Certificates.Rotation != nil},
		{"server", p.Server != nil},
		{"registration", p.Registration != nil},
		{"probe", p.Probe != nil},
		{"ejection", p.Ejection != nil},
	} {
		if part.planned {
			planned = append(planned, part.name)
		}
	}
	return planned
}

func TestAPartThatRestsOnSomethingUnknownIsNotPlannedAndTheOthersAre(t *testing.T) {
	failed := errors.New("timeout")
	answers := map[string]discovery.Record{"good": snapshottest.Fine, "slow": snapshottest.Slow}
	for name, test := range map[string]struct {
		read    func(*snapshot.Snapshot)
		without []string
	}{
		"all is known": {func(*snapshot.Snapshot) {}, nil},
		"the namespace is unknown": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Active, failed) },
			[]string{"certificates", "rotation", "server", "registration", "probe", "ejection"},
		},
		"the APIServices are unknown": {
			func(s *snapshot.Snapshot) {
				s.Registered = snapshot.Of[map[string]*apiregistrationv1.APIService](nil, failed)
			},
			[]string{"rotation", "registration", "probe", "ejection"},
		},
		"the claims are unknown": {
			func(s *snapshot.Snapshot) { s.Claims = snapshot.Of([]claims.Claim(nil), failed) },
			[]string{"registration", "probe", "ejection"},
		},
		"the Deployment and its Pods are unknown": {
			func(s *snapshot.Snapshot) { s.Server = snapshot.Of(snapshot.Workload{}, failed) },
			[]string{"rotation", "server"},
		},
		"the endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, failed) },
			[]string{"probe", "ejection"},
		},
		"the certificates are unknown": {
			func(s *snapshot.Snapshot) { s.Certificates = snapshot.Of(snapshot.Certificates{}, failed) },
			[]string{"certificates", "rotation"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := answering(answers, []string{"good", "slow"})
			test.read(s)
			want := slices.DeleteFunc(
				[]string{"certificates", "rotation", "server", "registration", "probe", "ejection"},
				func(part string) bool { return slices.Contains(test.without, part) })
			if got := parts(nextOf(t, s)); !slices.Equal(got, want) {
				t.Errorf("planned are %q, want %q", got, want)
			}
		})
	}
}

func TestNothingOfAServerIsPlannedWhereItCannotRun(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*snapshot.Snapshot)
		want   []string
	}{
		"the namespace is missing": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Missing, nil) },
			[]string{"registration", "probe"},
		},
		"the namespace is out of reach": {
			func(s *snapshot.Snapshot) {
				s.OutOfReach = finding.Bad(v1alpha1.ReasonNamespaceOutOfReach, "", finding.Stalled)
			},
			[]string{"registration", "probe"},
		},
		"there is an existing Service": {
			func(s *snapshot.Snapshot) { *s = *snapshottest.BehindExistingService() }, []string{"registration", "probe"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			test.change(s)
			if got := parts(nextOf(t, s)); !slices.Equal(got, test.want) {
				t.Errorf("planned are %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhatIsRegisteredGoesWithTheNamespaceAtOnce(t *testing.T) {
	for state, want := range map[snapshot.Namespace]struct {
		unwanted, kept int
		count          bool
	}{
		snapshot.Active: {0, 1, true}, snapshot.Terminating: {1, 0, false}, snapshot.Missing: {1, 0, false},
	} {
		s := snapshottest.New()
		s.Namespace = snapshot.Of(state, nil)
		r := nextOf(t, s).Registration
		if len(r.Unwanted) != want.unwanted || len(r.Kept) != want.kept || r.Count != want.count {
			t.Errorf("in namespace state %d, %d go, %d stay, and objects are counted: %t",
				state, len(r.Unwanted), len(r.Kept), r.Count)
		}
	}
}

// trusted is a snapshot with a certificate that its APIService does not trust yet, whose replica answers well.
func trusted(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	s := snapshottest.New()
	s.Layer = snapshot.Layer{Looked: true}
	snapshottest.Change(&s.Certificates, func(c *snapshot.Certificates) { c.Stored.Bundle = newSigner(t).Certificate })
	target := targetOf(s, s.Trust())
	s.Probes = discovery.NewRound(target, discovery.Records{
		discovery.AtEndpoint(snapshottest.Replica, groupVersion): snapshottest.Fine,
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
		"there is none":        {snapshottest.Unregister, Create, ""},
		"it leads elsewhere":   {func(*snapshot.Snapshot) {}, Apply, ""},
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
		"it is registered":        {func(*snapshot.Snapshot) {}, false, 0},
		"it is to be registered":  {snapshottest.Unregister, true, 0},
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
			p.register(s)
			if p.LookAtLayer != test.look || p.Recheck != test.recheck {
				t.Errorf("it is checked: %t, and again after %s", p.LookAtLayer, p.Recheck)
			}
		})
	}
}

// wanting is an ExtensionAPI of two versions of a group, created that long before noon.
func wanting(name string, age time.Duration) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(noon.Add(-age)),
		},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: "shop.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}, {Name: "v2"}},
			}},
			Server: &v1alpha1.Server{Namespace: name},
		},
	}
}

func TestAClaimIsDecidedAgainWhenTheOlderExtensionAPILosesItsPrecedence(t *testing.T) {
	older, younger := wanting("older", time.Minute), wanting("younger", 0)
	world := claims.World{
		Now: noon, Claimants: []claims.Claimant{claims.ClaimantOf(older), claims.ClaimantOf(younger)},
	}
	for extensionAPI, want := range map[*v1alpha1.ExtensionAPI]time.Duration{
		older: 0, younger: claims.PrecedenceLapse - time.Minute,
	} {
		var all []claims.Claim
		for _, wanted := range manifests.GroupVersions(extensionAPI) {
			all = append(all, claims.Of(claims.ClaimantOf(extensionAPI), wanted, world))
		}
		s := &snapshot.Snapshot{
			ExtensionAPI: extensionAPI, Backend: manifests.BackendOf(extensionAPI), Now: noon,
			Namespace: snapshot.Of(snapshot.Active, nil), Claims: snapshot.Of(all, nil),
		}
		if got := nextOf(t, s).Recheck; got != want || len(all) != 2 {
			t.Errorf("%s has %d claims and is reconciled after %s, want %s", extensionAPI.Name, len(all), got, want)
		}
	}
}

func TestAServiceOfAnotherOwnerIsReadAgainMoreOftenWhileItIsNotReady(t *testing.T) {
	https := &corev1.Service{Spec: corev1.ServiceSpec{
		ClusterIP: "10.0.0.1", Ports: []corev1.ServicePort{{Name: "https", Port: 443}},
	}}
	external := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "h"}}
	for name, test := range map[string]struct {
		service *corev1.Service
		change  func(*snapshot.Snapshot)
		want    time.Duration
	}{
		"ready": {https, func(*snapshot.Snapshot) {}, v1alpha1.DefaultDiscoveryInterval},
		"not ready": {https, func(s *snapshot.Snapshot) {
			snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Ready = nil })
		}, 5 * time.Second},
		"missing": {nil, func(*snapshot.Snapshot) {}, 5 * time.Second},
		"it is about to be registered again": {external, func(s *snapshot.Snapshot) {
			snapshottest.Unregister(s)
			snapshottest.Report(s, v1alpha1.ConditionServerAvailable, "False", v1alpha1.ReasonExternalNameNotRouted, "")
			s.Now = noon.Add(time.Hour - time.Second)
		}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.BehindExistingService()
			snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Service = test.service })
			test.change(s)
			if got := nextOf(t, s).Recheck; got != test.want {
				t.Errorf("it is read again after %s, want %s", got, test.want)
			}
		})
	}
}

func TestHandshakesAreMadeOnlyWhileARotationDependsOnThem(t *testing.T) {
	running := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a"}, Spec: corev1.PodSpec{NodeName: "node"}}
	pending := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "b", UID: "b"}}
	// Requests are verified, so that a new certificate could lose some.
	s := snapshottest.New()
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Pods = []corev1.Pod{running, pending} })
	c := nextOf(t, s).Certificates
	if len(c.Handshakes) != 1 || c.Handshakes[0].Name != "a" || c.Rotation != nil {
		t.Errorf("handshakes are made with %v, and the rotation is %+v", c.Handshakes, c.Rotation)
	}
	if c.recheck != HandshakesAge {
		t.Errorf("it is planned again after %s", c.recheck)
	}

	s.Handshakes = snapshot.Handshakes{Ended: noon, ByPod: map[types.UID]rotation.Pod{"a": {Name: "a"}}}
	c = nextOf(t, s).Certificates
	if len(c.Handshakes) != 1 || c.Rotation == nil {
		t.Errorf("once they are made, handshakes are made with %v, and the rotation is %+v", c.Handshakes, c.Rotation)
	}
}

func TestCertificatesOfAnotherOwnerWaitForTheirSecret(t *testing.T) {
	for name, test := range map[string]struct {
		certificates v1alpha1.Certificates
		read         snapshot.Certificates
		reason       string
		message      string
		watched      string
		ofManager    bool
	}{
		"a Secret that is missing": {
			v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "provided"}}, snapshot.Certificates{},
			v1alpha1.ReasonSecretNotFound, "Secret wardle-system/provided does not exist", "provided", false,
		},
		"a Secret that cannot be used": {
			v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "provided"}},
			snapshot.Certificates{Provided: &corev1.Secret{}},
			v1alpha1.ReasonSecretRefused, "Secret wardle-system/provided is rejected", "provided", false,
		},
		"cert-manager is working on it": {
			v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{}},
			snapshot.Certificates{Pending: "waiting for cert-manager"},
			v1alpha1.ReasonSecretNotFound, "waiting for cert-manager", "", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Server.Certificates = &test.certificates
			s.Certificates = snapshot.Of(test.read, nil)
			c := nextOf(t, s).Certificates
			findingtestExpect(t, c.Problem, test.reason, test.message)
			if c.Watched != test.watched || c.OfCertManager != test.ofManager || c.Rotation != nil {
				t.Errorf("planned is %+v", c)
			}
		})
	}
}

func TestTheSoonestDelayIsTheShortestPositiveOne(t *testing.T) {
	for name, test := range map[string]struct {
		delays []time.Duration
		want   time.Duration
	}{
		"none":                {nil, 0},
		"never":               {[]time.Duration{0, 0}, 0},
		"the past":            {[]time.Duration{-time.Second, 0}, 0},
		"one":                 {[]time.Duration{time.Second}, time.Second},
		"the shortest":        {[]time.Duration{time.Minute, time.Second, time.Hour}, time.Second},
		"never, and a minute": {[]time.Duration{0, time.Minute}, time.Minute},
		"the past, and later": {[]time.Duration{-time.Hour, time.Minute, 0}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			delays := slices.Clone(test.delays)
			if got := Soonest(delays...); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestFailuresOfPartsAreJoined(t *testing.T) {
	if err := (Failures{}).Err(); err != nil {
		t.Errorf("without a failure, the error is %v", err)
	}
	first, second := errors.New("first"), errors.New("second")
	if err := (Failures{Certificates: first, Ejection: second}).Err(); !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("the error is %v", err)
	}
}
