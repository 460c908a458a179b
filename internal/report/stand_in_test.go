// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// ledToStandIn is a snapshot whose APIService leads to the stand-in.
func ledToStandIn() *snapshot.Snapshot {
	s := snapshottest.New()
	s.StandIn.Service = manifests.StandInService("extensionapi-system", 443)
	s.Registered.Value()[snapshottest.APIServiceName].Spec.Service = &apiregistrationv1.ServiceReference{
		Namespace: s.StandIn.Service.Namespace, Name: s.StandIn.Service.Name,
	}
	return s
}

func TestItIsRecordedSinceWhenTheStandInServes(t *testing.T) {
	type record = v1alpha1.StandInStatus
	ago := func(d time.Duration) *metav1.Time { return new(metav1.NewTime(noon.Add(-d))) }
	serving, server := plan.GroupVersion{StandIn: true}, plan.GroupVersion{}
	undone := plan.GroupVersion{Undone: "no connection"}
	failed := serving
	failed.Obstacle = finding.Bad(v1alpha1.ReasonRetrying, "timeout", finding.Working)
	since := &record{Since: ago(9), Switches: 1}
	for name, test := range map[string]struct {
		before       *record
		groupVersion plan.GroupVersion
		dryRun       bool
		want         *record
	}{
		"it never served":    {nil, server, false, nil},
		"it begins":          {nil, serving, false, &record{Since: ago(0), Switches: 1}},
		"it could not begin": {nil, failed, false, nil},
		"it would begin":     {nil, serving, true, nil},
		"it goes on":         {since, serving, false, since},
		"the server is back": {since, server, false, &record{Until: ago(0), Switches: 1}},
		"it was not reached": {since, undone, false, &record{Until: ago(0), Switches: 1, Message: "no connection"}},
		"it begins again": {
			&record{Until: ago(time.Minute), Switches: 1}, serving, false,
			&record{Since: ago(0), Until: ago(time.Minute), Switches: 2},
		},
		"it begins much later": {
			&record{Until: ago(2 * time.Hour), Switches: 7}, serving, false,
			&record{Since: ago(0), Until: ago(2 * time.Hour), Switches: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Status.StandIn = test.before
			r := reconciled(s, test.groupVersion)
			r.Outcome.DryRun = test.dryRun
			status := s.Status.DeepCopy()
			r.describeStandIn(status)
			if !equal(status.StandIn, test.want) {
				t.Errorf("the record is %+v, want %+v", status.StandIn, test.want)
			}
		})
	}
}

func equal(a, b *v1alpha1.StandInStatus) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Since.Equal(b.Since) && a.Until.Equal(b.Until) && a.Switches == b.Switches && a.Message == b.Message
}

func TestConditionsStayTrueWhileTheStandInServes(t *testing.T) {
	refused := finding.Bad(v1alpha1.ReasonRejected, "quota exceeded", finding.Stalled)
	for name, test := range map[string]struct {
		server finding.Finding
		reason string
	}{
		"the replicas are ready, but do not answer": {finding.Finding{}, v1alpha1.ReasonStandIn},
		"there is no replica":                       {refused, v1alpha1.ReasonRejected},
	} {
		t.Run(name, func(t *testing.T) {
			s := ledToStandIn()
			since := new(metav1.NewTime(noon))
			s.Status = *summarized(1, all(finding.Good(v1alpha1.ReasonReady, "as before"), "", finding.Finding{}))
			s.Status.StandIn = &v1alpha1.StandInStatus{Since: since}
			s.Spec.Server.Replicas = new(int32(1))
			snapshottest.Change(&s.Server, func(w *snapshot.Workload) { w.Deployment = deployedOnce() })
			r := reconciled(s, plan.GroupVersion{StandIn: true, Existing: s.Existing(snapshottest.GroupVersion)})
			r.Plan.Server, r.Outcome.Server.Refused = &plan.Workload{}, test.server
			status := Of(r).Status
			for conditionType, reason := range map[string]string{
				v1alpha1.ConditionReady:                v1alpha1.ReasonStandIn,
				v1alpha1.ConditionServerAvailable:      test.reason,
				v1alpha1.ConditionAPIServicesAvailable: v1alpha1.ReasonStandIn,
			} {
				condition := meta.FindStatusCondition(status.Conditions, conditionType)
				if condition.Status != metav1.ConditionFalse || condition.Reason != reason ||
					!strings.Contains(condition.Message, "v1.wardle.example.com since 2026-01-01T12:00:00Z") {
					t.Errorf("%s is %+v", conditionType, condition)
				}
			}
		})
	}
}
