// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	rbacv1 "k8s.io/api/rbac/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	rbac "k8s.io/client-go/applyconfigurations/rbac/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// ServiceAccount returns the identity of a workload, unless its template sets another one. That of the server has no
// label of a component, as it never had.
func ServiceAccount(extensionAPI *v1alpha1.ExtensionAPI, w Workload) *core.ServiceAccountApplyConfiguration {
	own, wanted := w.Labels, ptr.Deref(w.account, v1alpha1.ServerAccount{})
	if w.IsServer() {
		own = nil
	}
	return core.ServiceAccount(w.Name, w.Namespace).
		WithLabels(workloadLabels(extensionAPI, own)).
		WithAnnotations(objectAnnotations(extensionAPI, texts(wanted.Annotations)))
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

// HasControllers reports whether there are controllers that the operator runs.
func HasControllers(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return len(ControllersOf(extensionAPI)) > 0
}

// ControllerEventsBinding lets the ServiceAccounts write Events, in the namespaces of the objects that these are about.
func ControllerEventsBinding(
	extensionAPI *v1alpha1.ExtensionAPI, accounts []string,
) *rbac.ClusterRoleBindingApplyConfiguration {
	return clusterRoleBinding(extensionAPI, ControllerBindingName(extensionAPI.Name), eventsRole, accounts)
}

// LeaderElectionBinding lets the ServiceAccounts elect leaders by Leases in the namespace of the server.
func LeaderElectionBinding(extensionAPI *v1alpha1.ExtensionAPI, accounts []string) *rbac.RoleBindingApplyConfiguration {
	return rbac.RoleBinding(ControllerBindingName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithRoleRef(roleRef("ClusterRole", leaderElectionRole)).
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
