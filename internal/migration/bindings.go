// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// bindings binds the new ServiceAccount to the roles of the earlier one. The operator itself binds those that every
// server needs.
func (m *Manifest) bindings(running Running) {
	deployment := &running.Deployments[0]
	earlier := rbacv1.Subject{
		Kind: rbacv1.ServiceAccountKind, Namespace: deployment.Namespace,
		Name: cmp.Or(deployment.Spec.Template.Spec.ServiceAccountName, "default"),
	}
	account := rbacv1.Subject{
		Kind: rbacv1.ServiceAccountKind, Namespace: deployment.Namespace, Name: m.ExtensionAPI.Name,
	}
	for i := range running.ClusterRoleBindings {
		binding := &running.ClusterRoleBindings[i]
		if slices.Contains(binding.Subjects, earlier) && binding.RoleRef.Name != "system:auth-delegator" {
			m.ClusterRoleBindings = append(m.ClusterRoleBindings, rbacv1.ClusterRoleBinding{
				TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
				ObjectMeta: metav1.ObjectMeta{Name: m.nameOf(binding.Name)},
				RoleRef:    binding.RoleRef, Subjects: []rbacv1.Subject{account},
			})
		}
	}
	for i := range running.RoleBindings {
		binding := &running.RoleBindings[i]
		if slices.Contains(binding.Subjects, earlier) && !isAuthReader(binding) {
			m.RoleBindings = append(m.RoleBindings, rbacv1.RoleBinding{
				TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
				ObjectMeta: metav1.ObjectMeta{Namespace: binding.Namespace, Name: m.nameOf(binding.Name)},
				RoleRef:    binding.RoleRef, Subjects: []rbacv1.Subject{account},
			})
		}
	}
	m.noteRoles()
}

// nameOf is the name of a new binding: that of an earlier one cannot be used, since it goes with the earlier manifests.
func (m *Manifest) nameOf(earlier string) string { return m.ExtensionAPI.Name + ":" + earlier }

func isAuthReader(binding *rbacv1.RoleBinding) bool {
	return binding.Namespace == manifests.AuthReaderNamespace &&
		binding.RoleRef.Name == "extension-apiserver-authentication-reader"
}

// noteRoles names the roles, which may be part of the earlier manifests.
func (m *Manifest) noteRoles() {
	var roles []string
	for i := range m.ClusterRoleBindings {
		roles = append(roles, "ClusterRole "+m.ClusterRoleBindings[i].RoleRef.Name)
	}
	for i := range m.RoleBindings {
		roles = append(roles, m.RoleBindings[i].RoleRef.Kind+" "+m.RoleBindings[i].RoleRef.Name)
	}
	if len(roles) > 0 {
		m.note("keep these roles when the earlier manifests are deleted, or create copies: %s", strings.Join(roles, ", "))
	}
}
