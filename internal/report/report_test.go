// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

const (
	testLimit      = snapshottest.Limit
	apiServiceName = snapshottest.APIServiceName
)

var (
	noon = snapshottest.Noon
	// limited is spec.discovery.
	limited = v1alpha1.Discovery{Limit: &metav1.Duration{Duration: testLimit}}
)

// all are findings of every condition, the same but for one.
func all(same finding.Finding, but string, other finding.Finding) map[string]finding.Finding {
	findings := map[string]finding.Finding{}
	for _, conditionType := range Found() {
		findings[conditionType] = same
	}
	if but != "" {
		findings[but] = other
	}
	return findings
}

func summarized(generation int64, findings map[string]finding.Finding) *v1alpha1.ExtensionAPIStatus {
	status := &v1alpha1.ExtensionAPIStatus{}
	Conditions{Generation: generation, Findings: findings, Now: noon}.WriteTo(status)
	return status
}

func statusOf(status *v1alpha1.ExtensionAPIStatus, conditionType string) metav1.ConditionStatus {
	return meta.FindStatusCondition(status.Conditions, conditionType).Status
}

func took(latency time.Duration) *v1alpha1.DiscoveryStatus {
	return &v1alpha1.DiscoveryStatus{Last: &metav1.Duration{Duration: latency}}
}

// reconciled is a reconciliation that came to these group-versions, without a plan for anything else.
func reconciled(s *snapshot.Snapshot, groupVersions ...plan.GroupVersion) Reconciliation {
	return Reconciliation{
		Snapshot: s,
		Plan:     plan.Plan{Registration: &plan.Registration{GroupVersions: groupVersions}},
		Outcome:  plan.Outcome{GroupVersions: groupVersions},
	}
}

// reasonsOf are the reasons of Events, as far as they are among these.
func reasonsOf(notes []finding.Note, among ...string) (reasons []string) {
	for _, n := range notes {
		if slices.Contains(among, n.Reason) {
			reasons = append(reasons, n.Reason)
		}
	}
	return reasons
}

// deployedOnce is a Deployment of one replica, which is available.
func deployedOnce() *appsv1.Deployment {
	return &appsv1.Deployment{
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(1))},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1,
		},
	}
}
