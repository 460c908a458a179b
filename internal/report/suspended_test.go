// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func suspendedSnapshot() *snapshot.Snapshot {
	s := snapshottest.New()
	s.Spec.Suspend = true
	return s
}

func TestASuspensionIsReportedWithWhatIsWithheldWhoIsAffectedAndHowToResume(t *testing.T) {
	const resume = `. Resume: kubectl patch xapi wardle --type merge -p '{"spec":{"suspend":false}}'.`
	tests := map[string]struct {
		withheld     []string
		existing     bool
		notAfter     time.Time
		interruption error
		message      string
	}{
		"nothing to be changed": {
			message: "; there is nothing to be changed now. Changes and deletions by others are not reverted, and unhealthy " +
				"replicas continue to get requests" + resume,
		},
		"an existing server": {existing: true, message: "are not reverted" + resume},
		"a certificate": {
			notAfter: noon,
			message:  "; when the serving certificate expires, at 2026-01-01T12:00:00Z, every request fails" + resume,
		},
		"some changes": {
			withheld: []string{"Pod x/a", "Pod x/b"}, message: "; withheld: Pod x/a, Pod x/b. Changes",
		},
		"many changes": {
			withheld: []string{"a", "b", "c", "d", "e", "f", "g"},
			message:  "; withheld: a, b, c, d, e and 2 more. Changes",
		},
		"not all of it is known": {
			interruption: errors.New("no answer"),
			message:      "now, but not everything could be read: no answer; retrying. Changes",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := suspendedSnapshot()
			if test.existing {
				s = snapshottest.BehindExistingService()
			}
			var certificate *v1alpha1.CertificateStatus
			if !test.notAfter.IsZero() {
				certificate = &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(test.notAfter)}
			}
			r := Reconciliation{
				Snapshot: s, Outcome: plan.Outcome{DryRun: true, Withheld: test.withheld}, Interruption: test.interruption,
			}
			findingtest.Expect(t, r.suspended(certificate), metav1.ConditionFalse, v1alpha1.ReasonSuspended, test.message)
		})
	}
}

func TestASuspensionOutranksWhatIsInProgressAndWhatWaitsForAUser(t *testing.T) {
	for _, progress := range []finding.Progress{finding.Settled, finding.Working, finding.Stalled} {
		status := &v1alpha1.ExtensionAPIStatus{}
		Conditions{
			Generation: 3, Now: noon,
			Findings:  all(finding.Bad(v1alpha1.ReasonCrashLoopBackOff, "exit code 1", progress), "", finding.Finding{}),
			Suspended: Reconciliation{Snapshot: suspendedSnapshot()}.suspended(nil),
		}.WriteTo(status)
		for _, conditionType := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
			if got := statusOf(status, conditionType); got != metav1.ConditionFalse {
				t.Errorf("%s = %s", conditionType, got)
			}
		}
		if got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady).Reason; got != "CrashLoopBackOff" {
			t.Errorf("Ready does not report how the API is served, but %s", got)
		}
	}
}

func TestADeletionOutranksASuspension(t *testing.T) {
	s := suspendedSnapshot()
	s.DeletionTimestamp = new(metav1.NewTime(noon))
	status := OfTeardown(s, "being deleted").Status
	reconciling := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReconciling)
	if reconciling.Reason == v1alpha1.ReasonSuspended {
		t.Errorf("it is suspended: %+v", reconciling)
	}
}

func TestASuspensionHasAnEventWhenItBeginsAndWhenItEnds(t *testing.T) {
	tests := map[string]struct {
		before             string
		suspended, deleted bool
		want               []string
	}{
		"it begins":                     {v1alpha1.ReasonAsDesired, true, false, []string{v1alpha1.ReasonSuspended}},
		"it begins with a new resource": {"", true, false, []string{v1alpha1.ReasonSuspended}},
		"it lasts":                      {v1alpha1.ReasonSuspended, true, false, nil},
		"it ends":                       {v1alpha1.ReasonSuspended, false, false, []string{v1alpha1.ReasonResumed}},
		"it ends by a deletion":         {v1alpha1.ReasonSuspended, true, true, nil},
		"it never was":                  {v1alpha1.ReasonProgressing, false, false, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Suspend = test.suspended
			if test.before != "" {
				snapshottest.Report(s, v1alpha1.ConditionReconciling, metav1.ConditionFalse, test.before, "")
			}
			reported := Of(Reconciliation{Snapshot: s, Outcome: plan.Outcome{DryRun: test.suspended}})
			if test.deleted {
				s.DeletionTimestamp = new(metav1.NewTime(noon))
				reported = OfTeardown(s, "being deleted")
			}
			got := reasonsOf(reported.Turned, v1alpha1.ReasonSuspended, v1alpha1.ReasonResumed)
			if !slices.Equal(got, test.want) {
				t.Errorf("the Events are %q, want %q", got, test.want)
			}
		})
	}
}

func TestASuspendedServerIsReportedWithTheReplicasThatItHas(t *testing.T) {
	s := suspendedSnapshot()
	r := Reconciliation{
		Snapshot: s, Plan: plan.Plan{Server: &plan.Workload{}}, Outcome: plan.Outcome{DryRun: true},
	}
	findingtest.Expect(t, r.server(), "False", v1alpha1.ReasonSuspended, "none is created while spec.suspend is true")
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Deployment = deployedOnce() })
	findingtest.Expect(t, r.server(), "True", v1alpha1.ReasonReplicasAvailable, "1 of 1 replicas")
}
