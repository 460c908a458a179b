// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

func TestNoPodIsCreatedThatAnEarlierServerWouldSelect(t *testing.T) {
	t.Parallel()
	const name = "copied-labels"
	createNamespace(t, name)
	earlier := map[string]string{"app": "earlier"}
	create(t, &corev1.Service{ObjectMeta: in(name, "earlier"), Spec: corev1.ServiceSpec{
		Selector: earlier, Ports: []corev1.ServicePort{{Port: 443}},
	}})
	create(t, &corev1.Pod{
		ObjectMeta: labelled(in(name, "earlier"), map[string]string{"app": "earlier", "tier": "api"}),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "other", Image: "other"}}},
	})
	create(t, &policyv1.PodDisruptionBudget{ObjectMeta: in(name, "of-other-pods"), Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "storage"}},
	}})
	create(t, &policyv1.PodDisruptionBudget{ObjectMeta: in(name, "earlier"), Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "api"}},
	}})
	apiService := holders.APIService(name)
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: name, Name: "earlier"}
	createUntilCleanup(t, apiService)

	extensionAPI := served(name)
	extensionAPI.Spec.AdoptionPolicy = v1alpha1.AdoptionDryRun
	extensionAPI.Spec.Server.Template.Labels = map[string]string{"app": "earlier", "tier": "api"}
	apply(t, extensionAPI)
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonPodLabelsInUse,
		"Service copied-labels/earlier", "app=earlier"))
	expectDocumented(t, "pod-labels", name, v1alpha1.ConditionServerAvailable)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { delete(e.Spec.Server.Template.Labels, "app") })
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonPodLabelsInUse,
		"PodDisruptionBudget copied-labels/earlier", "tier=api"))
	err := plane.client.Get(ctx, client.ObjectKey{Namespace: name, Name: name}, otherDeployment(in(name, name)))
	if !apierrors.IsNotFound(err) {
		t.Errorf("there is a Deployment: %v", err)
	}
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Template.Labels = map[string]string{"team": "storage"}
	})
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut))
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		control(e)
		e.Spec.Controllers[0].Template.Labels = map[string]string{"app": "earlier"}
	})
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonPodLabelsInUse,
		"controller flunders: Service copied-labels/earlier", "spec.controllers[flunders].template"))
}
