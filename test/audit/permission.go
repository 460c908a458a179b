// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Permission is the smallest unit that RBAC can grant.
type Permission struct {
	Verb, Group string
	// Resource includes the subresource, as in pods/status. For a non-resource request it is the path of the URL.
	Resource string
	// Namespace and Name are empty in a permission for all of them.
	Namespace, Name string
}

func (p Permission) String() string {
	what := p.Verb + " " + p.Resource
	if p.Group != "" {
		what += " of " + p.Group
	}
	if p.Name != "" {
		what += fmt.Sprintf(" named %q", p.Name)
	}
	if p.Namespace != "" {
		what += fmt.Sprintf(" in namespace %q", p.Namespace)
	}
	return what
}

// includes reports whether p grants the permission that a request needed.
func (p Permission) includes(needed Permission) bool {
	return p.Verb == needed.Verb && p.Group == needed.Group && p.Resource == needed.Resource &&
		cmp.Or(p.Namespace, needed.Namespace) == needed.Namespace && cmp.Or(p.Name, needed.Name) == needed.Name
}

func (p Permission) with(verb string) Permission {
	p.Verb = verb
	return p
}

// Grant is a permission, and the role that grants it.
type Grant struct {
	Permission
	// Role is the kind and name of the role.
	Role string
	// BuiltIn reports whether the role is one of Kubernetes itself, whose permissions cannot be reduced.
	BuiltIn bool
}

// Grants returns the permissions of rules that apply in namespace, or in all namespaces when it is empty.
func Grants(role string, builtIn bool, namespace string, rules []rbacv1.PolicyRule) []Grant {
	var grants []Grant
	for _, rule := range rules {
		for _, permission := range permissions(rule) {
			permission.Namespace = namespace
			grants = append(grants, Grant{permission, role, builtIn})
		}
	}
	return grants
}

func permissions(rule rbacv1.PolicyRule) []Permission {
	var result []Permission
	for _, verb := range rule.Verbs {
		for _, url := range rule.NonResourceURLs {
			result = append(result, Permission{Verb: verb, Resource: url})
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range orAll(rule.ResourceNames) {
					result = append(result, Permission{Verb: verb, Group: group, Resource: resource, Name: name})
				}
			}
		}
	}
	return result
}

func orAll(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}
