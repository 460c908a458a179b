// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/golden"
)

// TestScreen compares the output of status. `go test ./internal/cli -update` writes the files.
func TestScreen(t *testing.T) {
	for name, extensionAPI := range map[string]*v1alpha1.ExtensionAPI{
		"new":      {ObjectMeta: metav1.ObjectMeta{Name: "wardle"}},
		"rotating": rotating(),
		"broken":   brokenOne(),
		"stand-in": standingIn(),
		"stores":   storing(),
	} {
		t.Run(name, func(t *testing.T) {
			var events []event
			if name != "new" {
				events = []event{{
					Last: noon.Add(-time.Minute), Count: 1, Type: "Normal", Reason: "CertificateIssued",
					Object: "ExtensionAPI/wardle", Message: "a serving certificate was issued",
				}}
			}
			var text bytes.Buffer
			if err := (&screen{now: noon, limit: 5 * time.Second}).write(&text, extensionAPI, events); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "status-"+name+".txt", text.Bytes())
		})
	}
}

func condition(conditionType string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(noon.Add(-3 * time.Hour)),
	}
}

func measured(latency time.Duration) *v1alpha1.DiscoveryStatus {
	return &v1alpha1.DiscoveryStatus{
		Last: &metav1.Duration{Duration: latency}, P50: &metav1.Duration{Duration: latency},
		P99: &metav1.Duration{Duration: 2 * latency}, Max: &metav1.Duration{Duration: 3 * latency}, Samples: 100,
	}
}

func standingIn() *v1alpha1.ExtensionAPI {
	extensionAPI := brokenOne()
	extensionAPI.Status.StandIn = &v1alpha1.StandInStatus{Since: &metav1.Time{Time: noon.Add(-time.Minute)}}
	return extensionAPI
}

func storing() *v1alpha1.ExtensionAPI {
	extensionAPI := brokenOne()
	extensionAPI.Status.Storage = &v1alpha1.StorageStatus{
		Endpoints: []v1alpha1.StorageEndpointStatus{
			{
				Address: "etcd-0.etcd:2379", Available: metav1.ConditionTrue, Since: metav1.NewTime(noon.Add(-time.Hour)),
				CertificateNotAfter: new(metav1.NewTime(noon.Add(90 * 24 * time.Hour))),
			},
			{
				Address: "etcd-1.etcd:2379", Available: metav1.ConditionFalse, Since: metav1.NewTime(noon.Add(-time.Minute)),
				Error: "dial: connection refused",
			},
		},
		CertificateNotAfter: new(metav1.NewTime(noon.Add(30 * 24 * time.Hour))),
	}
	return extensionAPI
}

func rotating() *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: "wardle", Generation: 2},
		Status: v1alpha1.ExtensionAPIStatus{
			ObservedGeneration: 2, Groups: "wardle.example.com", ReadyReplicas: new(int32(2)), Replicas: new(int32(2)),
			Conditions: []metav1.Condition{
				condition(v1alpha1.ConditionClaimed, metav1.ConditionTrue, "Claimed", "every group-version is claimed"),
				condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Ready", "everything is in place"),
				condition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, "Progressing", "waiting for kube-apiserver"),
			},
			APIServices: []v1alpha1.APIServiceStatus{
				{Name: "v1.wardle.example.com", Available: metav1.ConditionTrue, Discovery: measured(time.Second)},
			},
			Endpoints: []v1alpha1.EndpointStatus{
				{Pod: "wardle-a", Address: "10.0.0.7:8443", Discovery: measured(6300 * time.Microsecond)},
				{Pod: "wardle-b", Address: "10.0.0.8:8443"},
			},
			Controllers: []v1alpha1.ControllerStatus{
				{
					Name: "flunders", Available: metav1.ConditionTrue, Reason: v1alpha1.ReasonReplicasAvailable,
					ReadyReplicas: new(int32(2)),
				},
				{Name: "fischers", Available: metav1.ConditionFalse, Reason: v1alpha1.ReasonWaitingForAPI},
			},
			Certificate: &v1alpha1.CertificateStatus{
				NotAfter:    metav1.NewTime(noon.Add(90 * 24 * time.Hour)),
				RenewalTime: new(metav1.NewTime(noon.Add(60 * 24 * time.Hour))),
				CANotAfter:  new(metav1.NewTime(noon.Add(-time.Hour))),
				Rotation: &v1alpha1.RotationStatus{
					Phase: v1alpha1.RotationAwaitingTrust, Since: metav1.NewTime(noon.Add(-40 * time.Second)),
					Next: "replace the serving certificate at 12:01:20",
				},
			},
		},
	}
}

func brokenOne() *v1alpha1.ExtensionAPI {
	failing := measured(time.Minute)
	failing.Error = "answered 500: \x1b[2J"
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: "wardle", Generation: 3},
		Status: v1alpha1.ExtensionAPIStatus{
			ObservedGeneration: 2, Groups: "wardle.example.com", ReadyReplicas: new(int32(0)),
			Conditions: []metav1.Condition{
				condition(v1alpha1.ConditionServerAvailable, metav1.ConditionFalse, "ImagePullBackOff", "no such image"),
				condition(v1alpha1.ConditionDiscoveryWithinLimit, metav1.ConditionUnknown, "NotAvailable", "not measured"),
				condition(v1alpha1.ConditionReady, metav1.ConditionFalse, "ImagePullBackOff", "no such image"),
				condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "ImagePullBackOff", "correct the image"),
			},
			Endpoints: []v1alpha1.EndpointStatus{{
				Address: "10.0.0.7:8443", Discovery: failing,
				Ejected: &v1alpha1.EjectionStatus{Since: metav1.NewTime(noon.Add(-time.Minute))},
			}},
		},
	}
}

func TestAGaugeIsFullAtTheLimit(t *testing.T) {
	for latency, filled := range map[time.Duration]int{
		0: 0, time.Millisecond: 1, 500 * time.Millisecond: 1, 501 * time.Millisecond: 2, 5 * time.Second: 10, time.Hour: 10,
	} {
		shown := gauge(&metav1.Duration{Duration: latency}, 5*time.Second)
		if got := strings.Count(shown, "█"); got != filled || len([]rune(shown)) != gaugeWidth {
			t.Errorf("%s is shown as %q", latency, shown)
		}
	}
	if shown := gauge(nil, time.Second); shown != "" {
		t.Errorf("nothing is shown as %q", shown)
	}
}
