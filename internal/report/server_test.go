// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAServerWithoutItsServiceMonitorIsReportedOnceItIsAvailable(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Server.Replicas = new(int32(1))
	r := Reconciliation{Snapshot: s, Plan: plan.Plan{Server: &plan.Workload{}}}
	r.Outcome.Monitoring = diagnosis.ServiceMonitorsUnknown()
	findingtest.Expect(t, r.server(), "False", v1alpha1.ReasonRollingOut, "waiting for Pods")
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Deployment = deployedOnce() })
	got := r.server()
	findingtest.Expect(t, got, "True", v1alpha1.ReasonServiceMonitorsUnknown,
		"1 of 1 replicas are available, but the ServiceMonitor cannot be applied: ")
	if !got.IsWarning() || got.Progress != finding.Settled {
		t.Errorf("it is no warning, or something is left to do: %+v", got)
	}
}
