// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func suspendedScope() *scope {
	s := scopeOf(3)
	s.Name, s.Spec.Suspend = "wardle", true
	return s
}

func TestSuspendedVerdictTellsWhatIsWithheldWhoIsHurtAndHowToGoOn(t *testing.T) {
	const goOn = `. Go on with: kubectl patch xapi wardle --type merge -p '{"spec":{"suspend":false}}'`
	tests := map[string]struct {
		withheld     []string
		existing     bool
		notAfter     time.Time
		interruption error
		message      string
	}{
		"nothing to be changed": {
			message: "; there is nothing to be changed now. Until it is false, what others change or delete stays so, and a " +
				"bad replica goes on to get requests" + goOn,
		},
		"an existing server": {existing: true, message: "delete stays so" + goOn},
		"a certificate": {
			notAfter: noon,
			message:  "; when the serving certificate expires, at 2026-01-01T12:00:00Z, every request fails" + goOn,
		},
		"some changes, in order": {withheld: []string{"b", "a"}, message: "; withheld: Pod x/a, Pod x/b. Until"},
		"many changes": {
			withheld: []string{"a", "b", "c", "d", "e", "f", "g"},
			message:  "; withheld: Pod x/a, Pod x/b, Pod x/c, Pod x/d, Pod x/e and 2 more. Until",
		},
		"not all of it known": {
			interruption: errors.New("no answer"),
			message:      "now, but not everything could be looked at: no answer; it is tried again. Until",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := suspendedScope()
			if test.existing {
				s.Spec.Server = nil
			}
			if !test.notAfter.IsZero() {
				s.Status.Certificate = &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(test.notAfter)}
			}
			for _, pod := range test.withheld {
				s.withheld.Add("Pod", client.ObjectKey{Namespace: "x", Name: pod})
			}
			findingtest.Expect(t, suspendedVerdict(s, test.interruption),
				metav1.ConditionFalse, v1alpha1.ReasonSuspended, test.message)
		})
	}
}

func TestSuspensionOutranksWhatIsDoneAndWhatWaitsForSomebody(t *testing.T) {
	for _, progress := range []finding.Progress{finding.Settled, finding.Working, finding.Stalled} {
		s := suspendedScope()
		concludeAll(s, finding.Bad(v1alpha1.ReasonCrashing, "exit code 1", progress))
		s.summarize(nil, noon, noon)
		for _, conditionType := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
			if got := statusOf(s, conditionType); got != metav1.ConditionFalse {
				t.Errorf("%s = %s", conditionType, got)
			}
		}
		if ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); ready.Reason != "Crashing" {
			t.Errorf("Ready does not tell how the API is served: %+v", ready)
		}
	}
}

func TestTheOrderToDeleteOutranksSuspension(t *testing.T) {
	s := suspendedScope()
	s.DeletionTimestamp = new(metav1.NewTime(noon))
	s.summarize(nil, noon, noon)
	reconciling := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReconciling)
	if reconciling.Reason == v1alpha1.ReasonSuspended {
		t.Errorf("it is told to be suspended: %+v", reconciling)
	}
}

func TestSuspensionIsToldWhenItBeginsAndWhenItEnds(t *testing.T) {
	tests := map[string]struct {
		before             string
		suspended, deleted bool
		reason             string
	}{
		"begins":                     {v1alpha1.ReasonAsDesired, true, false, v1alpha1.ReasonSuspended},
		"begins with a new resource": {"", true, false, v1alpha1.ReasonSuspended},
		"lasts":                      {v1alpha1.ReasonSuspended, true, false, ""},
		"ends":                       {v1alpha1.ReasonSuspended, false, false, v1alpha1.ReasonResumed},
		"ends by a deletion":         {v1alpha1.ReasonSuspended, true, true, ""},
		"never was":                  {v1alpha1.ReasonProgressing, false, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := suspendedScope()
			s.Spec.Suspend = test.suspended
			if test.before != "" {
				s.before.Status.Conditions = []metav1.Condition{{
					Type: v1alpha1.ConditionReconciling, Reason: test.before,
				}}
			}
			if test.deleted {
				s.DeletionTimestamp = new(metav1.NewTime(noon))
			}
			s.summarize(nil, noon, noon)
			reason := ""
			for _, note := range suspensionNotes(s) {
				reason += note.Reason
			}
			if reason != test.reason {
				t.Errorf("got %q, want %q", reason, test.reason)
			}
		})
	}
}

func TestAPIServiceThatIsNotAppliedIsTold(t *testing.T) {
	sentTo := func(service string) *apiregistrationv1.APIService {
		existing := apiServiceWith()
		existing.Spec.Service = &apiregistrationv1.ServiceReference{
			Namespace: "wardle-system", Name: service, Port: new(int32(443)),
		}
		return existing
	}
	tests := map[string]struct {
		existing *apiregistrationv1.APIService
		message  string
	}{
		"there is none":          {nil, "none is made while spec.suspend is true"},
		"it leads elsewhere":     {sentTo("other"), "requests are sent to another Service"},
		"it leads to the server": {sentTo("wardle"), ""},
		"it leads to no Service": {apiServiceWith(), "requests are sent to another Service"},
	}
	s := suspendedScope()
	s.Spec.Server.Namespace = "wardle-system"
	s.Spec.Groups = []v1alpha1.APIGroup{{Name: "wardle.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}}}
	wanted := manifests.APIServices(s.ExtensionAPI, nil)[0]
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.message == "" {
				findingtest.Expect(t, withheldRegistration(s, wanted, test.existing), "", "", "")
				return
			}
			findingtest.Expect(t, withheldRegistration(s, wanted, test.existing),
				metav1.ConditionFalse, v1alpha1.ReasonSuspended, test.message)
		})
	}
	s.Spec.Suspend = false
	findingtest.Expect(t, withheldRegistration(s, wanted, nil), "", "", "")
}
