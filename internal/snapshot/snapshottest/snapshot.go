// SPDX-License-Identifier: Apache-2.0

// Package snapshottest has snapshots for tests, and what they are made of.
package snapshottest

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// Name of the ExtensionAPI of New.
	Name = "wardle"
	// Namespace of its server.
	Namespace = "wardle-system"
	// APIServiceName is that of GroupVersion.
	APIServiceName = "v1.wardle.example.com"
	// Limit of discovery.
	Limit = 5 * time.Second
	// KubeAPIServer is the address of the only one.
	KubeAPIServer = "10.0.0.1:6443"
)

var (
	// Noon is when New takes its snapshots.
	Noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	// GroupVersion is the only one of the ExtensionAPI.
	GroupVersion = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}
	// Replica is the only one that is ready.
	Replica = endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-7c9"}
)

// New returns a snapshot in which everything is known: the operator runs a server with one ready replica and without a
// certificate, and its group-version is registered and available.
func New() *snapshot.Snapshot {
	extensionAPI := &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name, UID: types.UID(Name), Generation: 1, CreationTimestamp: metav1.NewTime(Noon.Add(-time.Hour)),
		},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: GroupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: GroupVersion.Version}},
			}},
			Server:    &v1alpha1.Server{Namespace: Namespace},
			Discovery: v1alpha1.Discovery{Limit: &metav1.Duration{Duration: Limit}},
		},
	}
	s := &snapshot.Snapshot{
		ExtensionAPI: extensionAPI,
		Backend:      manifests.BackendOf(extensionAPI),
		Now:          Noon,
		Namespace:    snapshot.Of(snapshot.Active, nil),
		Terminating:  snapshot.Of([]corev1.Namespace(nil), nil),
		Claims:       snapshot.Of([]claims.Claim{{GroupVersion: GroupVersion}}, nil),
		Server:       snapshot.Of(snapshot.Workload{}, nil),
		Controllers:  snapshot.Of(snapshot.Controllers{}, nil),
		Endpoints:    snapshot.Of(snapshot.Endpoints{Ready: []endpoints.Endpoint{Replica}}, nil),
		Certificates: snapshot.Of(snapshot.Certificates{}, nil),
		Aggregated:   map[schema.GroupVersion]snapshot.Aggregated{GroupVersion: {Settled: true}},
	}
	Register(s, Available(apiregistrationv1.ConditionTrue, "Passed", "all checks passed"))
	return s
}

// BehindExistingService returns a snapshot of an ExtensionAPI with a Service of another owner instead of a server.
func BehindExistingService() *snapshot.Snapshot {
	s := New()
	s.Spec.Server = nil
	s.Spec.ExistingService = &v1alpha1.ExistingService{Namespace: Namespace, Name: Name, Port: 443}
	s.Backend = manifests.BackendOf(s.ExtensionAPI)
	s.Server, s.Certificates = snapshot.Known[snapshot.Workload]{}, snapshot.Known[snapshot.Certificates]{}
	return s
}

// Change changes what is known.
func Change[T any](known *snapshot.Known[T], change func(*T)) {
	value := known.Value()
	change(&value)
	*known = snapshot.Of(value, nil)
}

// Report makes the status contain a condition.
func Report(s *snapshot.Snapshot, conditionType string, status metav1.ConditionStatus, reason, message string) {
	s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(s.Now),
	})
}

// Register makes GroupVersion's APIService the only one, with these conditions.
func Register(s *snapshot.Snapshot, conditions ...apiregistrationv1.APIServiceCondition) {
	s.Registered = snapshot.Of(map[string]*apiregistrationv1.APIService{APIServiceName: APIService(conditions...)}, nil)
}

// Unregister leaves no APIService.
func Unregister(s *snapshot.Snapshot) {
	s.Registered = snapshot.Of(map[string]*apiregistrationv1.APIService{}, nil)
}

// APIService returns that of GroupVersion, which leads nowhere.
func APIService(conditions ...apiregistrationv1.APIServiceCondition) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: APIServiceName},
		Spec:       apiregistrationv1.APIServiceSpec{Group: GroupVersion.Group, Version: GroupVersion.Version},
		Status:     apiregistrationv1.APIServiceStatus{Conditions: conditions},
	}
}

// Available is what kube-apiserver reports of an APIService.
func Available(status apiregistrationv1.ConditionStatus, reason, message string) apiregistrationv1.APIServiceCondition {
	return apiregistrationv1.APIServiceCondition{
		Type: apiregistrationv1.Available, Status: status, Reason: reason, Message: message,
	}
}

// CheckFailed is what kube-apiserver reports when its check of discovery fails.
func CheckFailed(message string) apiregistrationv1.APIServiceCondition {
	return Available(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", message)
}

// Record is what is known of probes that took that long each.
func Record(standing discovery.Standing, latency time.Duration) discovery.Record {
	sample := discovery.Sample{Latency: latency, Timing: discovery.Timing{Wait: latency}}
	record := discovery.Record{
		Standing: standing, Since: Noon.Add(-time.Hour), Last: sample, Latency: latency, P50: latency, Samples: 1,
	}
	if standing == discovery.Unhealthy {
		record.Worst = sample
	}
	return record
}

// Failing is what is known of probes that fail.
func Failing(failure error) discovery.Record {
	sample := discovery.Sample{Err: failure}
	return discovery.Record{Standing: discovery.Unhealthy, Last: sample, Worst: sample}
}

var (
	// Fine is of probes that take less time than Limit.
	Fine = Record(discovery.Healthy, 4*time.Millisecond)
	// Slow is of probes that take more.
	Slow = Record(discovery.Unhealthy, 6200*time.Millisecond)
)

// ThroughKubeAPIServer is a probe of GroupVersion.
func ThroughKubeAPIServer(address string) discovery.Key {
	return discovery.ThroughKubeAPIServer(address, GroupVersion)
}

// Round is of the probes of a snapshot through a kube-apiserver, and of those directly at each replica.
func Round(s *snapshot.Snapshot, through, direct discovery.Record) discovery.Round {
	target := discovery.Target{
		GroupVersions: manifests.GroupVersions(s.ExtensionAPI), Registered: s.Available(), Replicas: s.Replicas(),
		Policy: s.Policy(),
	}
	records := discovery.Records{ThroughKubeAPIServer(KubeAPIServer): through}
	for _, key := range target.Direct() {
		records[key] = direct
	}
	return discovery.NewRound(target, records)
}
