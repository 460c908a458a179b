// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// readsUnnoticed is the number of requests per second during failovers of the operator.
	readsUnnoticed = 20
	isReadySeries  = `extensionapi_condition{extensionapi="wardle",status="True",type="Ready"} 1`
)

var absences = []struct {
	name   string
	happen func(*testing.T, *v1alpha1.ExtensionAPI)
}{
	{"a rolling update of the operator", func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
		t.Helper()
		kubectl(t, "rollout", "restart", "deployment/"+operatorName, "--namespace", operatorNamespace)
		awaitOperator(t)
	}},
	{"SIGTERM for the leader", func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
		t.Helper()
		failOver(t, extensionAPI, func(leader corev1.Pod) error { return kube.Delete(t.Context(), &leader) })
	}},
	{"SIGKILL for the leader", func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
		t.Helper()
		failOver(t, extensionAPI, func(leader corev1.Pod) error {
			return syscall.Kill(processOf(t, leader.Status.ContainerStatuses[0]), syscall.SIGKILL)
		})
	}},
	{"hours without an operator", func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
		t.Helper()
		scaleOperator(t, 0)
		changes := changeMuch(t, extensionAPI)
		scaleOperator(t, 2)
		progress("  all that had changed is done, or begun, after %s", eventually(t, time.Minute, changes))
	}},
}

// TestOperatorFailoverLosesNoRequest uses the API all the time, for which no operator is needed.
func TestOperatorFailoverLosesNoRequest(t *testing.T) {
	extensionAPI := faultServerAPI("wardle", flunderGroup, "v1beta1", "v1alpha1")
	extensionAPI.Spec.Server.Template.Spec.TerminationGracePeriodSeconds = ptr.To[int64](10)
	container(&extensionAPI.Spec).Lifecycle.PreStop.Sleep.Seconds = 5 // the server's Pods are replaced, too
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	reader := metricsReader(t)
	for _, absence := range absences {
		t.Run(absence.name, func(t *testing.T) {
			before := standingNow(t)
			const served = "/apis/" + flunderGroup
			load := startReadingAt(t, readsUnnoticed,
				served+"/v1beta1", served+"/v1alpha1/widgets", served+"/v1alpha1", served+"/v1beta1/widgets")
			absence.happen(t, extensionAPI)
			eventually(t, time.Minute, somePodMeasures(victims(t)[:1], reader, isReadySeries)) // the leader
			if failed := load.end(t); failed > 0 {
				t.Errorf("%d of %d requests failed", failed, load.requests)
			}
			standingNow(t).mustBe(t, before)
		})
	}
}

// failOver makes the leader leave, and prints how long it takes until another operator leads, and until that has
// applied a change that was made when the leader had left.
func failOver(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, leave func(leader corev1.Pod) error) {
	t.Helper()
	leader := victims(t)[0]
	holder, err := holderOfLease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := leave(leader); err != nil {
		t.Fatal(err)
	}
	left := time.Now()
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Groups[0].GroupPriorityMinimum++ })
	led := eventually(t, time.Minute, func(ctx context.Context) error {
		current, err := holderOfLease(ctx)
		if err == nil && (current == "" || current == holder) {
			err = fmt.Errorf("the Lease is held by %q, and was held by %q before", current, holder)
		}
		return err
	})
	eventually(t, time.Minute, hasPriority(extensionAPI))
	progress("  another operator leads after %s, and has applied the change after %s", led,
		time.Since(left).Round(10*time.Millisecond))
}

func holderOfLease(ctx context.Context) (string, error) {
	lease := &coordinationv1.Lease{}
	err := kube.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}, lease)
	return ptr.Deref(lease.Spec.HolderIdentity, ""), err
}

func hasPriority(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		apiService := &apiregistrationv1.APIService{}
		err := kube.Get(ctx, client.ObjectKey{Name: "v1beta1." + flunderGroup}, apiService)
		wanted := extensionAPI.Spec.Groups[0].GroupPriorityMinimum
		if have := apiService.Spec.GroupPriorityMinimum; err == nil && have != wanted {
			err = fmt.Errorf("the APIService has the priority %d", have)
		}
		return err
	}
}

// changeMuch simulates hours without an operator: Pods are replaced, a renewal becomes due, the spec changes, an object
// is deleted, and namespaces are created and deleted. It returns a check that succeeds when the operator has caught up.
func changeMuch(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) (done func(context.Context) error) {
	t.Helper()
	before, err := currently(t.Context(), extensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	due := metav1.Now()
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		managed(spec).RotateServingAfter = &due
		spec.Groups[0].GroupPriorityMinimum++
	})
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: "wardle"}}
	if err := kube.Delete(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "rollout", "restart", "deployment/wardle", "--namespace", sampleNamespace)
	kubectl(t, "rollout", "status", "deployment/wardle", "--namespace", sampleNamespace, "--timeout", "2m")
	eventually(t, drained, onlyPods(ownerLabel, 2))
	kubectl(t, "create", "namespace", "e2e-meanwhile")
	kubectl(t, "delete", "namespace", "e2e-meanwhile", "--timeout", "1m")
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		was, is := before.Status.Certificate, current.Status.Certificate
		if err == nil && is.Rotation == nil && is.NotAfter.Equal(&was.NotAfter) {
			err = errors.New("the certificate is neither being renewed nor has it been renewed")
		}
		return errors.Join(err, hasPriority(extensionAPI)(ctx), kube.Get(ctx, client.ObjectKeyFromObject(budget), budget))
	}
}

func scaleOperator(t *testing.T, replicas int) {
	t.Helper()
	kubectl(t, "scale", "deployment/"+operatorName, "--namespace", operatorNamespace, "--replicas", strconv.Itoa(replicas))
	eventually(t, time.Minute, func(ctx context.Context) error {
		pods, err := operatorPods(ctx)
		if err == nil && len(pods) != replicas {
			err = fmt.Errorf("the operator has %d Pods", len(pods))
		}
		return err
	})
	awaitOperator(t)
}

func awaitOperator(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "status", "deployment/"+operatorName, "--namespace", operatorNamespace, "--timeout", "2m")
}
