// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Workload is a Deployment with its ServiceAccount and PodDisruptionBudget, which have its name: the server of an
// ExtensionAPI, or one of its controllers.
type Workload struct {
	types.NamespacedName
	// Labels select its Pods.
	Labels map[string]string
	// Field is the one of the ExtensionAPI that declares it.
	Field string
	// Template is the declared one.
	Template corev1.PodTemplateSpec

	// server is nil for a controller.
	server           *v1alpha1.Server
	replicas         int32
	securityDefaults v1alpha1.SecurityDefaults
	strategy         *v1alpha1.Strategy
	account          *v1alpha1.ServerAccount
}

// ServerOf is the workload of spec.server.
func ServerOf(extensionAPI *v1alpha1.ExtensionAPI) Workload {
	server := extensionAPI.Spec.Server
	return Workload{
		NamespacedName:   types.NamespacedName{Namespace: server.Namespace, Name: extensionAPI.Name},
		Labels:           ServerLabels(extensionAPI.Name),
		Field:            "spec.server",
		Template:         server.Template,
		server:           server,
		replicas:         ptr.Deref(server.Replicas, v1alpha1.DefaultReplicas),
		securityDefaults: server.SecurityDefaults,
		strategy:         server.Strategy,
		account:          server.ServiceAccount,
	}
}

// ControllersOf are the workloads of spec.controllers, in the order of the spec, but for those of other owners.
func ControllersOf(extensionAPI *v1alpha1.ExtensionAPI) []Workload {
	var workloads []Workload
	for i := range extensionAPI.Spec.Controllers {
		if controller := &extensionAPI.Spec.Controllers[i]; controller.DeploymentRef == nil {
			workloads = append(workloads, ControllerOf(extensionAPI, controller))
		}
	}
	return workloads
}

// FormerControllerOf is the workload of a controller that the spec does not have any more, by the name of its
// Deployment. It has no template.
func FormerControllerOf(extensionAPI *v1alpha1.ExtensionAPI, deployment string) Workload {
	return ControllerOf(extensionAPI, &v1alpha1.Controller{Name: strings.TrimPrefix(deployment, extensionAPI.Name+"-")})
}

// ControllerOf is the workload of one of spec.controllers. That of another owner has neither labels nor a template.
func ControllerOf(extensionAPI *v1alpha1.ExtensionAPI, controller *v1alpha1.Controller) Workload {
	w := Workload{
		NamespacedName: types.NamespacedName{
			Namespace: BackendOf(extensionAPI).Namespace, Name: extensionAPI.Name + "-" + controller.Name,
		},
		Field: "spec.controllers[" + controller.Name + "]",
	}
	if reference := controller.DeploymentRef; reference != nil {
		w.Name = reference.Name
		return w
	}
	w.Labels = map[string]string{
		OwnerLabel: extensionAPI.Name, ComponentLabel: controllerComponentPrefix + controller.Name,
	}
	w.Template, w.strategy, w.account = controller.Template, controller.Strategy, controller.ServiceAccount
	w.replicas = ptr.Deref(controller.Replicas, v1alpha1.DefaultControllerReplicas)
	w.securityDefaults = controller.SecurityDefaults
	return w
}

// IsOfController reports whether an object with these labels is of a controller.
func IsOfController(labels map[string]string) bool {
	return strings.HasPrefix(labels[ComponentLabel], controllerComponentPrefix)
}

// IsServer reports whether it is the server, rather than a controller.
func (w Workload) IsServer() bool { return w.server != nil }

// Replicas returns the wanted number of Pods. current is the Deployment, nil if there is none.
func (w Workload) Replicas(current *appsv1.Deployment) int32 {
	if current == nil || !w.isScaledByOthers() {
		return w.replicas
	}
	return ptr.Deref(current.Spec.Replicas, w.replicas)
}

func (w Workload) isScaledByOthers() bool {
	return w.server != nil && w.server.ScaleTarget == v1alpha1.ScaleTargetDeployment
}

// ServiceAccountName returns the name of the ServiceAccount that the Pods run as.
func (w Workload) ServiceAccountName() string {
	return cmp.Or(w.Template.Spec.ServiceAccountName, w.Name)
}

// PodLabels returns the labels of the Pods, with those of the template.
func (w Workload) PodLabels() map[string]string {
	return labels.Merge(w.Template.Labels, w.budgetLabels())
}

// budgetLabels select the Pods that count for the PodDisruptionBudget. Replicas of a server that were removed from the
// Service do not.
func (w Workload) budgetLabels() map[string]string {
	if w.server == nil {
		return w.Labels
	}
	return labels.Merge(w.Labels, labels.Set{ServingLabel: Serving})
}
