// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestDisruptionBudgetFollowsTheSpec(t *testing.T) {
	t.Parallel()
	const name = "budgeted"
	startRollout(t, name)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: in(name, name)}
	set := func(wanted v1alpha1.DisruptionBudget) {
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.DisruptionBudget = &wanted })
	}
	set(v1alpha1.DisruptionBudget{MinAvailable: new(intstr.FromString("50%"))})
	eventually(t, func() error {
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(budget), budget)
		if least := budget.Spec.MinAvailable; err == nil && (least == nil || least.String() != "50%") {
			err = fmt.Errorf("minAvailable is %v, and maxUnavailable %v", least, budget.Spec.MaxUnavailable)
		}
		return err
	})
	set(v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyDisabled})
	awaitGone(t, budget)
	awaitRollout(t, name)
	set(v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyEnabled})
	eventually(t, func() error { return plane.client.Get(ctx, client.ObjectKeyFromObject(budget), budget) })
}

func TestDisruptionBudgetOfAnotherOwnerStaysWhenTheOperatorsIsDisabled(t *testing.T) {
	t.Parallel()
	const name = "own-budget"
	createNamespace(t, name)
	own := &policyv1.PodDisruptionBudget{ObjectMeta: labelled(in(name, name), otherLabels)}
	create(t, own)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.DisruptionBudget = &v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyDisabled}
	apply(t, extensionAPI)
	awaitRollout(t, name)
	consistently(t, func() error { return plane.client.Get(ctx, client.ObjectKeyFromObject(own), own) })
}

func TestServiceFollowsTheSpec(t *testing.T) {
	t.Parallel()
	const name = "exposed"
	startRollout(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Service = &v1alpha1.ServerService{
			Annotations:         map[string]v1alpha1.AnnotationValue{"example.com/mesh": "passthrough"},
			Ports:               []v1alpha1.ServerServicePort{{Name: "metrics", Port: 9090}},
			IPFamilyPolicy:      corev1.IPFamilyPolicySingleStack,
			IPFamilies:          []corev1.IPFamily{corev1.IPv4Protocol},
			TrafficDistribution: corev1.ServiceTrafficDistributionPreferClose,
		}
	})
	awaitService(t, name, func(service *corev1.Service) bool {
		ports := service.Spec.Ports
		return service.Annotations["example.com/mesh"] == "passthrough" && len(ports) == 2 &&
			ports[1].TargetPort.IntVal == 9090 && service.Spec.TrafficDistribution != nil
	})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Service = nil })
	awaitService(t, name, func(service *corev1.Service) bool {
		return service.Annotations["example.com/mesh"] == "" && len(service.Spec.Ports) == 1 &&
			service.Spec.TrafficDistribution == nil
	})
}

func awaitService(t *testing.T, name string, wanted func(*corev1.Service) bool) {
	t.Helper()
	eventually(t, func() error {
		service := &corev1.Service{ObjectMeta: in(name, name)}
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(service), service)
		if err == nil && !wanted(service) {
			err = fmt.Errorf("the Service has the annotations %v and the spec %+v", service.Annotations, service.Spec)
		}
		return err
	})
}

func TestServiceAccountGetsTheAnnotationsOfTheSpec(t *testing.T) {
	t.Parallel()
	const name = "annotated-account"
	startRollout(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.ServiceAccount = &v1alpha1.ServerAccount{
			Annotations: map[string]v1alpha1.AnnotationValue{"example.com/role": "reader"},
		}
	})
	account := &corev1.ServiceAccount{ObjectMeta: in(name, name)}
	eventually(t, func() error {
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(account), account)
		if err == nil && account.Annotations["example.com/role"] != "reader" {
			err = fmt.Errorf("the ServiceAccount has the annotations %v", account.Annotations)
		}
		return err
	})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.ServiceAccountName = name })
	err := plane.client.Patch(ctx, named(name), client.RawPatch(types.MergePatchType,
		[]byte(`{"spec":{"server":{"template":{"spec":{"serviceAccountName":"mine"}}}}}`)))
	if err == nil || !strings.Contains(err.Error(), "names another one") {
		t.Errorf("with a ServiceAccount of another owner the annotations are accepted (%v)", err)
	}
}

func TestMetadataOfTheSpecIsOnAllObjectsOfTheServerButItsPods(t *testing.T) {
	t.Parallel()
	const name, labelled = "labelled-all", manifests.OwnerLabel + "=labelled-all,team=storage"
	startRollout(t, name)
	deployment := deploymentOf(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Metadata = &v1alpha1.ServerMetadata{Labels: map[string]v1alpha1.LabelValue{"team": "storage"}}
	})
	// The Secret of the CA is in the operator's namespace, where the author has no permissions.
	wanted := slices.DeleteFunc(ownedObjects(name), func(object string) bool {
		return object == "Secret "+operatorNamespace+"/"+name+"-trust"
	})
	eventually(t, func() error {
		found := slices.Sorted(maps.Keys(objectsWith(t, labelled)))
		if !slices.Equal(found, wanted) {
			return fmt.Errorf("the label is on\n%q\nwant\n%q", found, wanted)
		}
		return nil
	})
	if after := deploymentOf(t, name); after.Generation != deployment.Generation {
		t.Errorf("the spec of the Deployment has changed: %+v", after.Spec)
	}
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Metadata = nil })
	eventually(t, func() error {
		if found := objectsWith(t, labelled); len(found) > 0 {
			return fmt.Errorf("the label is still on %v", found)
		}
		return nil
	})
}

func TestNetworkPolicyFollowsTheSpecAndIsDeletedWithTheServer(t *testing.T) {
	t.Parallel()
	const name = "closed"
	startRollout(t, name)
	set := func(wanted v1alpha1.Policy, ports ...v1alpha1.ServerServicePort) {
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
			e.Spec.Server.NetworkPolicy, e.Spec.Server.Service = wanted, &v1alpha1.ServerService{Ports: ports}
		})
	}
	set(v1alpha1.PolicyEnabled, v1alpha1.ServerServicePort{Name: "metrics", Port: 9090})
	awaitOpenPorts(t, name, "extension-api", "9090")
	set(v1alpha1.PolicyDisabled, v1alpha1.ServerServicePort{Name: "metrics", Port: 9090})
	awaitGone(t, &networkingv1.NetworkPolicy{ObjectMeta: in(name, name)})
	set(v1alpha1.PolicyEnabled, v1alpha1.ServerServicePort{Name: "metrics", Port: 9091})
	awaitOpenPorts(t, name, "extension-api", "9091")
	remove(t, name)
	awaitGone(t, &networkingv1.NetworkPolicy{ObjectMeta: in(name, name)})
}

func TestObjectsThatTheSpecNoLongerWantsAreDeletedOnlyAfterResume(t *testing.T) {
	t.Parallel()
	const name = "suspended-unwanted"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.NetworkPolicy = v1alpha1.PolicyEnabled
	apply(t, extensionAPI)
	awaitRollout(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Suspend = true
		e.Spec.Server.NetworkPolicy = v1alpha1.PolicyDisabled
		e.Spec.Server.DisruptionBudget = &v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyDisabled}
	})
	await(t, name, status.InProgressStatus, isSuspended(
		"withheld: the deletion of NetworkPolicy suspended-unwanted/suspended-unwanted, "+
			"the deletion of PodDisruptionBudget suspended-unwanted/suspended-unwanted. Changes"))
	expectNothingWritten(t, name)
	for _, unwanted := range []client.Object{
		&networkingv1.NetworkPolicy{ObjectMeta: in(name, name)}, &policyv1.PodDisruptionBudget{ObjectMeta: in(name, name)},
	} {
		resourceVersions(t, unwanted) // fails if it is gone
	}
	resume(t, name)
	awaitGone(t, &networkingv1.NetworkPolicy{ObjectMeta: in(name, name)})
	awaitGone(t, &policyv1.PodDisruptionBudget{ObjectMeta: in(name, name)})
}

// awaitOpenPorts waits until the NetworkPolicy allows ingress to exactly these ports of the server's Pods.
func awaitOpenPorts(t *testing.T, name string, wanted ...string) {
	t.Helper()
	policy := &networkingv1.NetworkPolicy{}
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKey{Namespace: name, Name: name}, policy); err != nil {
			return err
		}
		var open []string
		for _, port := range policy.Spec.Ingress[0].Ports {
			open = append(open, port.Port.String())
		}
		if !slices.Equal(open, wanted) {
			return fmt.Errorf("the open ports are %q, want %q", open, wanted)
		}
		return nil
	})
}

// awaitGone waits until the object has been deleted.
func awaitGone(t *testing.T, object client.Object) {
	t.Helper()
	eventually(t, func() error {
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("%T %s is still there (%w)", object, object.GetName(), err)
	})
}
