// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var groupVersion = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}

const apiServiceName = "v1.wardle.example.com"

func apiServiceWith(conditions ...apiregistrationv1.APIServiceCondition) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{Status: apiregistrationv1.APIServiceStatus{Conditions: conditions}}
}

func available(status apiregistrationv1.ConditionStatus, reason, message string) apiregistrationv1.APIServiceCondition {
	return apiregistrationv1.APIServiceCondition{
		Type: apiregistrationv1.Available, Status: status, Reason: reason, Message: message,
	}
}

func TestRegistrationVerdict(t *testing.T) {
	blocked := registrationOutcome{
		name: apiServiceName, obstacle: finding.Bad(v1alpha1.ReasonProbeFailed, "it fails", finding.Working),
	}
	kept := blocked
	kept.existing = apiServiceWith()
	done := registrationOutcome{name: "v2.wardle.example.com"}
	tests := map[string]struct {
		namespace namespaceState
		outcomes  []registrationOutcome
		status    metav1.ConditionStatus
		reason    string
		message   string
	}{
		"all registered": {
			outcomes: []registrationOutcome{done}, status: "True", reason: v1alpha1.ReasonRegistered, message: "1",
		},
		"one is blocked": {
			outcomes: []registrationOutcome{done, blocked}, status: "False", reason: v1alpha1.ReasonProbeFailed,
			message: apiServiceName + ": it fails",
		},
		"a change is blocked": {
			outcomes: []registrationOutcome{kept}, status: "False", reason: v1alpha1.ReasonProbeFailed,
			message: "stays as it was",
		},
		"the namespace goes": {
			namespace: namespaceTerminating, status: "False", reason: v1alpha1.ReasonNamespaceTerminating, message: "removed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, registrationVerdict(test.namespace, test.outcomes), test.status, test.reason, test.message)
		})
	}
}

func TestAvailableVerdictRepeatsKubeAPIServer(t *testing.T) {
	yes := apiServiceWith(available(apiregistrationv1.ConditionTrue, "Passed", "all checks passed"))
	no := apiServiceWith(available(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "connection refused"))
	tests := map[string]struct {
		existing *apiregistrationv1.APIService
		status   metav1.ConditionStatus
		reason   string
		message  string
	}{
		"available":       {yes, "True", v1alpha1.ReasonAllAvailable, "every APIService"},
		"not available":   {no, "False", "FailedDiscoveryCheck", apiServiceName + " as unavailable: connection refused"},
		"just registered": {nil, "Unknown", v1alpha1.ReasonNotReported, apiServiceName},
		"not checked":     {apiServiceWith(), "Unknown", v1alpha1.ReasonNotReported, apiServiceName},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			outcomes := []registrationOutcome{{name: apiServiceName, existing: test.existing}}
			findingtest.Expect(t, availableVerdict(namespaceActive, outcomes), test.status, test.reason, test.message)
		})
	}
}

func TestWhatIsNotRegisteredIsNotAvailable(t *testing.T) {
	outcomes := []registrationOutcome{{
		name: apiServiceName, obstacle: finding.Bad(v1alpha1.ReasonProbing, "wait", finding.Working),
	}}
	got := availableVerdict(namespaceActive, outcomes)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonNotRegistered, apiServiceName)
}

func TestServiceObstacleSpeaksOfTheNetwork(t *testing.T) {
	key := discovery.AtService("10.1.0.1:443", groupVersion)
	refused := discovery.Records{key: {Last: discovery.Sample{Err: errors.New("dial: connect: connection refused")}}}
	got := serviceObstacle(key.Address, groupVersion, refused)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceUnreachable, "refused; if that lasts, look at kube-proxy")
	got = serviceObstacle(key.Address, groupVersion, nil)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceUnreachable, "waiting")
	findingtest.Expect(t, serviceObstacle(key.Address, groupVersion, discovery.Records{key: {}}), "", "", "")
	findingtest.Expect(t, serviceObstacle("", groupVersion, nil), "", "", "")
}

func TestOnlyReplicasThatGetRequestsAreWaitedFor(t *testing.T) {
	serving := discovery.Replica{Endpoint: endpoints.Endpoint{Address: "10.0.0.1:8443", Pod: "a"}}
	ejected := discovery.Replica{Endpoint: endpoints.Endpoint{Address: "10.0.0.2:8443", Pod: "b"}, Ejected: true}
	both := []discovery.Replica{serving, ejected}
	findingtest.Expect(t, replicaObstacle(both, groupVersion, nil), "False", v1alpha1.ReasonProbing, "waiting for Pod a")
	answered := discovery.Records{discovery.AtEndpoint(serving.Endpoint, groupVersion): {}}
	findingtest.Expect(t, replicaObstacle(both, groupVersion, answered), "", "", "")
}

func TestSampleObstacle(t *testing.T) {
	tests := map[string]struct {
		sample  discovery.Sample
		found   bool
		reason  string
		message string
	}{
		"not asked yet": {discovery.Sample{}, false, v1alpha1.ReasonProbing, "Pod a"},
		"fails": {
			discovery.Sample{Err: errors.New("answered 500")}, true, v1alpha1.ReasonProbeFailed, "answered 500",
		},
		"too slow":     {discovery.Sample{Latency: 6 * time.Second}, true, v1alpha1.ReasonProbeFailed, "gives up after 5s"},
		"answers well": {discovery.Sample{Latency: time.Second}, true, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := sampleObstacle("Pod a", test.sample, test.found)
			findingtest.Expect(t, got, got.Status, test.reason, test.message)
		})
	}
}

func TestChangesBackend(t *testing.T) {
	signer, other := newSigner(t), newSigner(t)
	bundle, both := signer.Certificate, slices.Concat(other.Certificate, signer.Certificate)
	extensionAPI := &v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{
		Groups:          []v1alpha1.APIGroup{{Name: "wardle.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}}},
		ExistingService: &v1alpha1.ExistingService{Namespace: "a", Name: "b", Port: 443},
	}}
	existing := apiServiceWith()
	existing.Spec.CABundle = bundle
	existing.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "a", Name: "b", Port: new(int32(443))}
	existing.Spec.VersionPriority = 100

	if changesBackend(existing, manifests.APIServices(extensionAPI, both)[0]) {
		t.Error("a bundle that only grows counts as a change")
	}
	tests := map[string]struct {
		change     func()
		want, less bool
	}{
		"nothing":               {func() {}, false, true},
		"other priorities only": {func() { existing.Spec.GroupPriorityMinimum = 1 }, false, false},
		"another bundle":        {func() { existing.Spec.CABundle = other.Certificate }, true, false},
		"a smaller bundle":      {func() { existing.Spec.CABundle = both }, true, true},
		"a damaged bundle":      {func() { existing.Spec.CABundle = []byte("rubbish") }, true, false},
		"another Service":       {func() { existing.Spec.Service.Name = "c" }, true, false},
		"another port":          {func() { existing.Spec.Service.Port = new(int32(444)) }, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := existing.DeepCopy()
			defer func() { existing = before }()
			test.change()
			wanted := manifests.APIServices(extensionAPI, bundle)[0]
			if got := changesBackend(existing, wanted); got != test.want {
				t.Errorf("changes the backend: %v", got)
			}
			if got := onlyDropsTrust(existing, wanted); got != test.less {
				t.Errorf("only drops trust: %v", got)
			}
		})
	}
}
