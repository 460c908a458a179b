// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// controlled is a reconciliation of two controllers, both of which run.
func controlled() Reconciliation {
	s := snapshottest.New()
	s.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}, {Name: "fischers"}}
	s.Controllers = snapshot.Of(snapshot.Controllers{ByName: map[string]snapshot.Workload{
		"wardle-flunders": {Deployment: deployedOnce()}, "wardle-fischers": {Deployment: deployedOnce()},
	}}, nil)
	return Reconciliation{Snapshot: s, Plan: plan.Plan{Controllers: &plan.Controllers{Running: map[string]*plan.Workload{
		"wardle-flunders": {}, "wardle-fischers": {},
	}}}, Outcome: plan.Outcome{Controllers: map[string]plan.Applied{}}}
}

func TestControllersAvailableReportsTheWorstController(t *testing.T) {
	for name, test := range map[string]struct {
		change          func(*Reconciliation)
		status          metav1.ConditionStatus
		reason, message string
	}{
		"all run": {
			func(*Reconciliation) {}, metav1.ConditionTrue, v1alpha1.ReasonReplicasAvailable,
			"all replicas are available, of controllers flunders, fischers",
		},
		"there is none": {
			func(r *Reconciliation) { r.Spec.Controllers = nil }, metav1.ConditionTrue, v1alpha1.ReasonNoControllers, "empty",
		},
		"one waits for the API": {
			func(r *Reconciliation) {
				delete(r.Plan.Controllers.Running, "wardle-fischers")
				snapshottest.Unregister(r.Snapshot)
			},
			metav1.ConditionFalse, v1alpha1.ReasonWaitingForAPI,
			"controller fischers: it is started when every group-version is available, now 0 of 1 are",
		},
		"one waits for answers of the API": {
			func(r *Reconciliation) { delete(r.Plan.Controllers.Running, "wardle-fischers") },
			metav1.ConditionFalse, v1alpha1.ReasonWaitingForAPI,
			"controller fischers: it is started when requests for every group-version pass",
		},
		"the Pods of one would get requests for an earlier server": {
			func(r *Reconciliation) {
				delete(r.Plan.Controllers.Running, "wardle-fischers")
				r.Spec.Controllers[1].Template.Labels = map[string]string{"app": "shop"}
				delete(r.Snapshot.Controllers.Value().ByName, "wardle-fischers")
				r.Selectors = snapshot.Of([]snapshot.Selector{{
					Kind: "Service", Name: "shop", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
				}}, nil)
			},
			metav1.ConditionFalse, v1alpha1.ReasonPodLabelsInUse, "controller fischers: Service wardle-system/shop would select",
		},
		"one is refused": {
			func(r *Reconciliation) {
				r.Outcome.Controllers["wardle-fischers"] = plan.Applied{
					Refused: finding.Bad(v1alpha1.ReasonNameConflict, "the name is taken", finding.Stalled),
				}
			},
			metav1.ConditionFalse, v1alpha1.ReasonNameConflict, "controller fischers: the name is taken",
		},
		"one rolls out and another is not available": {
			func(r *Reconciliation) {
				r.Outcome.Controllers["wardle-flunders"] = plan.Applied{Generation: 2}
				r.Snapshot.Controllers.Value().ByName["wardle-fischers"] = snapshot.Workload{}
			},
			metav1.ConditionFalse, v1alpha1.ReasonRollingOut, "controller fischers: 0 of 1 replicas",
		},
		"one rolls out": {
			func(r *Reconciliation) { r.Outcome.Controllers["wardle-flunders"] = plan.Applied{Generation: 2} },
			metav1.ConditionTrue, v1alpha1.ReasonRollingOut, "controller flunders: 1 of 1 replicas",
		},
		"the namespace is being deleted": {
			func(r *Reconciliation) {
				r.Namespace = snapshot.Of(snapshot.Terminating, nil)
				r.Plan.Controllers = nil
			},
			metav1.ConditionFalse, v1alpha1.ReasonNamespaceTerminating, "is being deleted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := controlled()
			test.change(&r)
			findingtest.Expect(t, r.controllers(), test.status, test.reason, test.message)
		})
	}
}

func TestTheDeploymentOfAnotherOwnerIsReported(t *testing.T) {
	for name, test := range map[string]struct {
		read            snapshot.Known[*appsv1.Deployment]
		status          metav1.ConditionStatus
		reason, message string
	}{
		"available": {
			snapshot.Of(deployedOnce(), nil), metav1.ConditionTrue, v1alpha1.ReasonReplicasAvailable, "controllers other",
		},
		"missing": {
			snapshot.Of[*appsv1.Deployment](nil, nil), metav1.ConditionFalse, v1alpha1.ReasonDeploymentNotFound,
			"controller other: Deployment wardle-system/operator does not exist. Create it",
		},
		"not readable": {
			snapshot.Of[*appsv1.Deployment](nil, errors.New("forbidden")), metav1.ConditionUnknown,
			v1alpha1.ReasonDeploymentNotReadable, "forbidden",
		},
		"rolling out": {
			snapshot.Of(&appsv1.Deployment{}, nil), metav1.ConditionFalse, v1alpha1.ReasonRollingOut, "0 of 1 replicas",
		},
		"scaled to zero": {
			snapshot.Of(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(int32(0))}}, nil),
			metav1.ConditionFalse, v1alpha1.ReasonScaledToZero, "kubectl -n wardle-system scale deployment operator",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.BehindExistingService()
			s.Spec.Controllers = []v1alpha1.Controller{
				{Name: "other", DeploymentRef: &v1alpha1.ControllerDeployment{Name: "operator"}},
			}
			s.Controllers = snapshot.Of(snapshot.Controllers{
				Referenced: map[string]snapshot.Known[*appsv1.Deployment]{"other": test.read},
			}, nil)
			r := Reconciliation{Snapshot: s}
			findingtest.Expect(t, r.controllers(), test.status, test.reason, test.message)
			status := &v1alpha1.ExtensionAPIStatus{}
			r.describeControllers(status)
			if len(status.Controllers) != 1 || status.Controllers[0].Reason != test.reason {
				t.Errorf("the controllers are %+v", status.Controllers)
			}
		})
	}
}

func TestNothingIsReportedOfControllersThatAreNotKnown(t *testing.T) {
	r := controlled()
	r.Outcome.Failed.Controllers = errors.New("timeout")
	if found := r.controllers(); found.Found() {
		t.Errorf("found is %+v", found)
	}
}

func TestStatusHasTheStateOfEachController(t *testing.T) {
	r := controlled()
	flunders := deployedOnce()
	flunders.Status.ReadyReplicas = 1
	r.Snapshot.Controllers.Value().ByName["wardle-flunders"] = snapshot.Workload{Deployment: flunders}
	delete(r.Plan.Controllers.Running, "wardle-fischers")
	delete(r.Snapshot.Controllers.Value().ByName, "wardle-fischers")
	status := &v1alpha1.ExtensionAPIStatus{}
	r.describeControllers(status)
	if len(status.Controllers) != 2 {
		t.Fatalf("the controllers are %+v", status.Controllers)
	}
	first, second := status.Controllers[0], status.Controllers[1]
	if first.Name != "flunders" || first.Available != metav1.ConditionTrue || ptr.Deref(first.ReadyReplicas, 0) != 1 {
		t.Errorf("the first is %+v", first)
	}
	if second.Name != "fischers" || second.Reason != v1alpha1.ReasonWaitingForAPI || second.ReadyReplicas != nil {
		t.Errorf("the second is %+v", second)
	}
	r.Spec.Controllers, r.Plan.Controllers = nil, nil
	if r.describeControllers(status); status.Controllers != nil {
		t.Errorf("former controllers are still described: %+v", status.Controllers)
	}
}

func TestReplicasOfAnotherOwnerAreNotThoseOfAController(t *testing.T) {
	r := controlled()
	r.Outcome.Controllers["wardle-flunders"] = plan.Applied{
		Refused: finding.Bad(v1alpha1.ReasonNameConflict, "the name is taken", finding.Stalled),
	}
	status := &v1alpha1.ExtensionAPIStatus{}
	if r.describeControllers(status); status.Controllers[0].ReadyReplicas != nil {
		t.Errorf("the controller is %+v", status.Controllers[0])
	}
}

func TestReadyDoesNotDependOnControllers(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	s := summarized(1, all(fine, v1alpha1.ConditionControllersAvailable,
		finding.Bad(v1alpha1.ReasonCrashLoopBackOff, "it crashes", finding.Working)))
	for conditionType, want := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionReconciling: metav1.ConditionFalse,
		v1alpha1.ConditionStalled: metav1.ConditionFalse,
	} {
		if got := statusOf(s, conditionType); got != want {
			t.Errorf("%s = %s, want %s", conditionType, got, want)
		}
	}
}

func TestNeitherControllersNorStorageAreReportedDuringATeardown(t *testing.T) {
	s := snapshottest.New()
	s.Status.Storage = &v1alpha1.StorageStatus{Endpoints: []v1alpha1.StorageEndpointStatus{{Address: "etcd:2379"}}}
	s.Status.Controllers = []v1alpha1.ControllerStatus{{Name: "flunders", Available: metav1.ConditionTrue}}
	if described := OfTeardown(s, "being deleted").Status.Controllers; len(described) > 0 {
		t.Errorf("the controllers are %+v", described)
	}
	if described := OfTeardown(s, "being deleted").Status.Storage; described != nil {
		t.Errorf("the storage is %+v", described)
	}
}
