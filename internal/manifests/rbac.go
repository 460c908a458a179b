// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"

	rbacv1 "k8s.io/api/rbac/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	rbac "k8s.io/client-go/applyconfigurations/rbac/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// ServiceAccount returns the identity of the server, unless the template sets another one.
func ServiceAccount(extensionAPI *v1alpha1.ExtensionAPI) *core.ServiceAccountApplyConfiguration {
	wanted := ptr.Deref(extensionAPI.Spec.Server.ServiceAccount, v1alpha1.ServerAccount{})
	return core.ServiceAccount(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI, texts(wanted.Annotations)))
}

// ServiceAccountName returns the name of the ServiceAccount that the server runs as.
func ServiceAccountName(extensionAPI *v1alpha1.ExtensionAPI) string {
	return cmp.Or(extensionAPI.Spec.Server.Template.Spec.ServiceAccountName, extensionAPI.Name)
}

// AuthDelegatorBinding lets the ServiceAccounts delegate authentication and authorization to kube-apiserver.
func AuthDelegatorBinding(
	extensionAPI *v1alpha1.ExtensionAPI, accounts []string,
) *rbac.ClusterRoleBindingApplyConfiguration {
	return clusterRoleBinding(extensionAPI, AuthDelegatorName(extensionAPI.Name), authDelegatorRole, accounts)
}

// ServerBinding lets the ServiceAccounts read what k8s.io/apiserver's admission and flow control need.
func ServerBinding(
	extensionAPI *v1alpha1.ExtensionAPI, accounts []string,
) *rbac.ClusterRoleBindingApplyConfiguration {
	return clusterRoleBinding(extensionAPI, ServerBindingName(extensionAPI.Name), ServerRole, accounts)
}

// AuthReaderBinding lets the ServiceAccounts read which certificate and headers authenticate the aggregator.
func AuthReaderBinding(extensionAPI *v1alpha1.ExtensionAPI, accounts []string) *rbac.RoleBindingApplyConfiguration {
	return rbac.RoleBinding(AuthReaderName(extensionAPI.Name), AuthReaderNamespace).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithRoleRef(roleRef("Role", authReaderRole)).
		WithSubjects(subjects(extensionAPI, accounts)...)
}

func clusterRoleBinding(
	extensionAPI *v1alpha1.ExtensionAPI, name, role string, accounts []string,
) *rbac.ClusterRoleBindingApplyConfiguration {
	return rbac.ClusterRoleBinding(name).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithRoleRef(roleRef("ClusterRole", role)).
		WithSubjects(subjects(extensionAPI, accounts)...)
}

func roleRef(kind, name string) *rbac.RoleRefApplyConfiguration {
	return rbac.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind(kind).WithName(name)
}

func subjects(extensionAPI *v1alpha1.ExtensionAPI, accounts []string) []*rbac.SubjectApplyConfiguration {
	var result []*rbac.SubjectApplyConfiguration
	for _, account := range accounts {
		result = append(result, rbac.Subject().
			WithKind(rbacv1.ServiceAccountKind).
			WithNamespace(extensionAPI.Spec.Server.Namespace).
			WithName(account))
	}
	return result
}
