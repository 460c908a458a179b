// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// autoManagedLabel is on APIServices that kube-apiserver keeps for CRDs and built-in groups
// (kube-aggregator pkg/controllers/autoregister).
const autoManagedLabel = "kube-aggregator.kubernetes.io/automanaged"

// Holder says whose an object is, as far as its metadata tells.
func Holder(object client.Object, ownerLabel string) string {
	if owner := object.GetLabels()[ownerLabel]; owner != "" {
		return fmt.Sprintf("ExtensionAPI %q", owner)
	}
	if object.GetLabels()[autoManagedLabel] != "" {
		return "Kubernetes itself (a CustomResourceDefinition or a built-in group)"
	}
	if owner := metav1.GetControllerOf(object); owner != nil {
		return fmt.Sprintf("%s %q", owner.Kind, owner.Name)
	}
	if release := object.GetAnnotations()["meta.helm.sh/release-name"]; release != "" {
		return fmt.Sprintf("Helm release %q", release)
	}
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" {
			return fmt.Sprintf("somebody else (last written by %q)", entry.Manager)
		}
	}
	return "somebody else"
}
