// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// permissionsPolicy is the ValidatingAdmissionPolicy that keeps the operator from acting for those who lack rights.
const permissionsPolicy = "extensionapi-operator-rights"

// createWithoutPermissions asks, in a dry run, for an ExtensionAPI that whoever runs this may not have. kube-apiserver comes
// to the policies only with what fits the CustomResourceDefinition (k8s.io/apiserver pkg/registry/rest/create.go, and
// pkg/registry/generic/registry/store.go, where validating admission comes after it).
func createWithoutPermissions(ctx context.Context, c client.Client) error {
	const name = "installation-check"
	return c.Create(ctx, &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: name + ".example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}},
			}},
			Server: &v1alpha1.Server{
				Namespace: metav1.NamespaceDefault,
				Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
					Containers: []corev1.Container{{Name: v1alpha1.ServerContainer, Image: name}},
				}},
			},
		},
	}, client.DryRunAll)
}

// permissionsFinding judges the answer: a refusal by the policy, in the words of k8s.io/apiserver
// pkg/admission/plugin/policy/validating/dispatcher.go, is the only good one.
func permissionsFinding(answer error) finding {
	switch {
	case answer == nil:
		return finding{bad, fmt.Sprintf("kube-apiserver would store an ExtensionAPI for somebody without the rights to do "+
			"by hand what it asks for: ValidatingAdmissionPolicy %s is missing or not in force; install the chart again",
			permissionsPolicy)}
	case kinds.IsUnknown(answer):
		return finding{bad, "kube-apiserver does not know the kind ExtensionAPI: install the CustomResourceDefinition, " +
			"with the chart's value crds.enabled or by hand"}
	case strings.Contains(answer.Error(), fmt.Sprintf("ValidatingAdmissionPolicy '%s'", permissionsPolicy)):
		return finding{good, "kube-apiserver knows ExtensionAPIs, and keeps them from those who lack the rights"}
	default:
		return finding{bad, fmt.Sprintf("kube-apiserver cannot check an ExtensionAPI: %v; is the CustomResourceDefinition "+
			"that of this version of the chart?", answer)}
	}
}
