// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	rbacv1 "k8s.io/api/rbac/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	rbac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// ServiceAccount is the identity of the server, nil when the template names another one.
func ServiceAccount(extensionAPI *v1alpha1.ExtensionAPI) *core.ServiceAccountApplyConfiguration {
	if extensionAPI.Spec.Server.Template.Spec.ServiceAccountName != "" {
		return nil
	}
	return core.ServiceAccount(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(objectLabels(extensionAPI.Name))
}

// AuthDelegatorBinding lets the server delegate authentication and authorization to kube-apiserver.
func AuthDelegatorBinding(extensionAPI *v1alpha1.ExtensionAPI) *rbac.ClusterRoleBindingApplyConfiguration {
	return clusterRoleBinding(extensionAPI, AuthDelegatorName(extensionAPI.Name), authDelegatorRole)
}

// ServerBinding lets the server read what k8s.io/apiserver's admission and flow control need.
func ServerBinding(extensionAPI *v1alpha1.ExtensionAPI) *rbac.ClusterRoleBindingApplyConfiguration {
	return clusterRoleBinding(extensionAPI, ServerBindingName(extensionAPI.Name), ServerRole)
}

// AuthReaderBinding lets the server learn by which certificate and headers it knows the aggregator.
func AuthReaderBinding(extensionAPI *v1alpha1.ExtensionAPI) *rbac.RoleBindingApplyConfiguration {
	return rbac.RoleBinding(AuthReaderName(extensionAPI.Name), AuthReaderNamespace).
		WithLabels(objectLabels(extensionAPI.Name)).
		WithRoleRef(roleRef("Role", authReaderRole)).
		WithSubjects(subject(extensionAPI))
}

func clusterRoleBinding(
	extensionAPI *v1alpha1.ExtensionAPI, name, role string,
) *rbac.ClusterRoleBindingApplyConfiguration {
	return rbac.ClusterRoleBinding(name).
		WithLabels(objectLabels(extensionAPI.Name)).
		WithRoleRef(roleRef("ClusterRole", role)).
		WithSubjects(subject(extensionAPI))
}

func roleRef(kind, name string) *rbac.RoleRefApplyConfiguration {
	return rbac.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind(kind).WithName(name)
}

func subject(extensionAPI *v1alpha1.ExtensionAPI) *rbac.SubjectApplyConfiguration {
	return rbac.Subject().
		WithKind(rbacv1.ServiceAccountKind).
		WithNamespace(extensionAPI.Spec.Server.Namespace).
		WithName(serviceAccountName(extensionAPI))
}

func serviceAccountName(extensionAPI *v1alpha1.ExtensionAPI) string {
	if name := extensionAPI.Spec.Server.Template.Spec.ServiceAccountName; name != "" {
		return name
	}
	return extensionAPI.Name
}
