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
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// permissionsPolicy is the ValidatingAdmissionPolicy that prevents privilege escalation through the operator.
const permissionsPolicy = "extensionapi-operator-rights"

// createWithoutPermissions creates, in a dry run, an ExtensionAPI that the current user lacks the permissions for.
// kube-apiserver evaluates the policies only if the object is valid by the CustomResourceDefinition (k8s.io/apiserver
// pkg/registry/rest/create.go, and pkg/registry/generic/registry/store.go, where validating admission comes after it).
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

// permissionsFinding judges the response: only a rejection by the policy, with the text of k8s.io/apiserver
// pkg/admission/plugin/policy/validating/dispatcher.go, is OK.
func permissionsFinding(answer error) finding.Finding {
	switch {
	case answer == nil:
		return failed(fmt.Sprintf("kube-apiserver would accept an ExtensionAPI from a user without the permissions for what "+
			"it contains: ValidatingAdmissionPolicy %s is missing or not in force", permissionsPolicy), "Reinstall the chart")
	case kinds.IsUnknown(answer):
		return failed("kube-apiserver does not serve the kind ExtensionAPI",
			"Install the CustomResourceDefinition, with the chart's value crds.enabled or by hand")
	case strings.Contains(answer.Error(), fmt.Sprintf("ValidatingAdmissionPolicy '%s'", permissionsPolicy)):
		return ok("kube-apiserver serves ExtensionAPIs, and rejects those of users without the permissions")
	default:
		return failed(fmt.Sprintf("kube-apiserver cannot validate an ExtensionAPI: %v", answer),
			"Check whether the CustomResourceDefinition matches the version of the chart")
	}
}
