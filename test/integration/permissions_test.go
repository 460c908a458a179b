// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/test/audit"
)

// auditPolicy logs only the operator's requests. Bodies are not logged, except for responses with bindings, because the
// operator needs the permission to bind the role in them.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  users: [` + operatorUser + `]
  verbs: [create, patch]
  resources: [{group: rbac.authorization.k8s.io, resources: [clusterrolebindings, rolebindings]}]
- level: Metadata
  users: [` + operatorUser + `]
- level: None
`

// configureAudit makes kube-apiserver write an audit log to dir.
func configureAudit(dir string, flags *envtest.Arguments) error {
	policy := filepath.Join(dir, "audit-policy.yaml")
	flags.Set("audit-policy-file", policy).Set("audit-log-path", filepath.Join(dir, "audit.log"))
	return os.WriteFile(policy, []byte(auditPolicy), 0o600)
}

// checkPermissions returns an error if the operator has a permission that no test needed, or if RBAC has denied one of
// its requests.
func checkPermissions(p *controlPlane) error {
	grants, err := operatorGrants(p.client)
	if err != nil {
		return err
	}
	events, err := audit.Read(p.dir, operatorUser)
	if err != nil {
		return err
	}
	return errors.Join(audit.CheckRefusals(events), audit.CheckGrants(grants, events))
}

// operatorGrants returns the permissions of the operator's ServiceAccount, except for those of all users.
func operatorGrants(c client.Client) ([]audit.Grant, error) {
	everywhere, confined := &rbacv1.ClusterRoleBindingList{}, &rbacv1.RoleBindingList{}
	if err := errors.Join(c.List(ctx, everywhere), c.List(ctx, confined)); err != nil {
		return nil, err
	}
	// A ClusterRoleBinding is treated as a RoleBinding without a namespace.
	bindings := slices.Clone(confined.Items)
	for _, binding := range everywhere.Items {
		bindings = append(bindings, rbacv1.RoleBinding{RoleRef: binding.RoleRef, Subjects: binding.Subjects})
	}
	var grants []audit.Grant
	for _, binding := range bindings {
		if !slices.ContainsFunc(binding.Subjects, isOperator) {
			continue
		}
		granted, err := grantsOf(c, binding)
		if err != nil {
			return nil, err
		}
		grants = append(grants, granted...)
	}
	return grants, nil
}

func isOperator(subject rbacv1.Subject) bool {
	return subject.Kind == rbacv1.ServiceAccountKind && subject.Namespace == operatorNamespace &&
		subject.Name == operatorAccount
}

func grantsOf(c client.Client, binding rbacv1.RoleBinding) ([]audit.Grant, error) {
	role := &rbacv1.ClusterRole{ObjectMeta: in("", binding.RoleRef.Name)}
	if binding.RoleRef.Kind == "Role" {
		namespaced := &rbacv1.Role{ObjectMeta: in(binding.Namespace, binding.RoleRef.Name)}
		err := c.Get(ctx, client.ObjectKeyFromObject(namespaced), namespaced)
		role.Labels, role.Rules = namespaced.Labels, namespaced.Rules
		if err != nil {
			return nil, err
		}
	} else if err := c.Get(ctx, client.ObjectKeyFromObject(role), role); err != nil {
		return nil, err
	}
	builtIn := role.Labels["kubernetes.io/bootstrapping"] != ""
	return audit.Grants(binding.RoleRef.Kind+" "+role.Name, builtIn, binding.Namespace, role.Rules), nil
}

// awaitGrants waits until kube-apiserver's authorizer, which watches roles and bindings, has those of the operator:
// earlier denials do not indicate a missing permission.
func awaitGrants(c client.Client) error {
	grants, err := operatorGrants(c)
	if err != nil {
		return err
	}
	for _, grant := range grants {
		if err := awaitAllowed(c, grant.Permission); err != nil {
			return fmt.Errorf("the operator may not %s, although %s grants it: %w", grant.Permission, grant.Role, err)
		}
	}
	return nil
}

func awaitAllowed(c client.Client, permission audit.Permission) error {
	return wait.PollUntilContextTimeout(ctx, poll, patience, true, func(ctx context.Context) (bool, error) {
		review := reviewOf(permission)
		err := c.Create(ctx, review)
		return review.Status.Allowed, err
	})
}

func reviewOf(permission audit.Permission) *authorizationv1.SubjectAccessReview {
	resource, subresource, _ := strings.Cut(permission.Resource, "/")
	spec := authorizationv1.SubjectAccessReviewSpec{User: operatorUser}
	if resource == "" {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{
			Verb: permission.Verb, Path: permission.Resource,
		}
	} else {
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: permission.Verb, Group: permission.Group, Resource: resource, Subresource: subresource,
			Namespace: permission.Namespace, Name: permission.Name,
		}
	}
	return &authorizationv1.SubjectAccessReview{Spec: spec}
}
