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
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
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

// ready is a ready Pod.
func ready(name string) corev1.Pod {
	pod := corev1.Pod{Status: corev1.PodStatus{
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}}
	pod.Name = name
	return pod
}

// answering is a snapshot of these replicas with what each answers; those that are ejected get no requests.
func answering(answers map[string]discovery.Record, serving []string, ejected ...string) *snapshot.Snapshot {
	s := snapshottest.New()
	s.Endpoints = snapshot.Of(snapshot.Endpoints{}, nil)
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
		for _, name := range serving {
			behind.Ready = append(behind.Ready, endpoints.Endpoint{Address: name, Pod: name})
		}
		for _, name := range ejected {
			behind.Ejected = append(behind.Ejected, ejection.Ejected{Endpoint: endpoints.Endpoint{Address: name, Pod: name}})
		}
	})
	target := targetOf(s)
	records := discovery.Records{snapshottest.ThroughKubeAPIServer(snapshottest.KubeAPIServer): snapshottest.Fine}
	for _, key := range target.Direct() {
		records[key] = answers[key.Pod]
	}
	s.Probes = discovery.NewRound(target, records)
	return s
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
		"what selects Pods is unknown": {
			func(s *snapshot.Snapshot) { s.Selectors = snapshot.Of([]snapshot.Selector(nil), failed) },
			[]string{"server"},
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
				s.OutOfReach = finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, "", finding.Stalled)
			},
			[]string{"registration", "probe"},
		},
		"its labels are those of an earlier server": {
			func(s *snapshot.Snapshot) {
				s.Spec.Server.Template.Labels = map[string]string{"app": "shop"}
				s.Selectors = snapshot.Of([]snapshot.Selector{{
					Kind: "Service", Name: "earlier", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
				}}, nil)
			},
			[]string{"certificates", "rotation", "registration", "probe"},
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
	cluster := claims.Snapshot{
		Now: noon, Claimants: []claims.Claimant{claims.ClaimantOf(older), claims.ClaimantOf(younger)},
	}
	for extensionAPI, want := range map[*v1alpha1.ExtensionAPI]time.Duration{
		older: 0, younger: claims.PrecedenceLapse - time.Minute,
	} {
		var all []claims.Claim
		for _, wanted := range manifests.GroupVersions(extensionAPI) {
			all = append(all, claims.Of(claims.ClaimantOf(extensionAPI), wanted, cluster))
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
			snapshottest.Report(s, v1alpha1.ConditionServerAvailable, "False", v1alpha1.ReasonExternalNameNotRoutable, "")
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
