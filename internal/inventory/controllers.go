// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// ControllerKinds are the kinds of a controller's own objects, in the order of their deletion.
func ControllerKinds() []Kind { return []Kind{Deployment, PodDisruptionBudget, ServiceAccount} }

// CreatedForController returns the objects of a controller that are created in a stage. Its ServiceAccount is handled
// separately, as that of the server.
func CreatedForController(stage Stage, w manifests.Workload) []Object {
	if stage == BeforeDeployment {
		budget := OfController(PodDisruptionBudget, w.Name)
		budget.build = func(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
			return manifests.PodDisruptionBudget(e, w), nil
		}
		return []Object{budget}
	}
	deployment := OfController(Deployment, w.Name)
	deployment.build = func(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
		return manifests.Deployment(e, w, in.Observed)
	}
	return []Object{deployment}
}

// OfController returns an object of a controller by its name.
func OfController(kind Kind, name string) Object {
	return Object{Kind: kind, Key: func(p Locations) client.ObjectKey {
		return client.ObjectKey{Namespace: p.Server, Name: name}
	}}
}
