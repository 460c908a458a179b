// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
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
			Annotations:         map[string]string{"example.com/mesh": "passthrough"},
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
