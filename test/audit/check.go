// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/utils/ptr"
)

const (
	// decision is the annotation with the authorizers' decision (k8s.io/apiserver
	// pkg/endpoints/filters/authorization.go). A request that they allow can still be answered with 403, by admission or
	// a quota.
	decision = "authorization.k8s.io/decision"
	// escalation is in the response when a user binds a role without the permission to do so, although the request itself
	// was allowed (k8s.io/kubernetes pkg/registry/rbac/validation/rule.go).
	escalation = "attempting to grant RBAC permissions not currently held"
)

// CheckRefusals returns an error that lists every kind of request that RBAC denied.
func CheckRefusals(events []auditv1.Event) error {
	var errs []error
	for _, refusal := range refusals(events) {
		errs = append(errs, fmt.Errorf("RBAC denied a request: %s\n\tadd a +kubebuilder:rbac marker beside the code that "+
			"sends it, run 'make generate', and add the rule to the chart; or do not send it", refusal))
	}
	return errors.Join(errs...)
}

// CheckGrants returns an error that lists every permission that no request needed.
func CheckGrants(grants []Grant, events []auditv1.Event) error {
	var errs []error
	for _, grant := range unused(grants, events) {
		errs = append(errs, fmt.Errorf("%s grants the permission to %s, which no test used\n\tremove it from the "+
			"+kubebuilder:rbac marker (then 'make generate') or the file in config/rbac, and from the chart; or add a test "+
			"that needs it", grant.Role, grant.Permission))
	}
	return errors.Join(errs...)
}

// refusals returns the distinct messages of kube-apiserver for requests that RBAC denied.
func refusals(events []auditv1.Event) []string {
	var found []string
	for _, event := range events {
		if refused(event) {
			found = append(found, responseStatus(event).Message)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func refused(event auditv1.Event) bool {
	return event.Annotations[decision] == "forbid" || strings.Contains(responseStatus(event).Message, escalation)
}

func unused(grants []Grant, events []auditv1.Event) []Grant {
	needed := map[Permission]bool{}
	for _, event := range events {
		for _, permission := range needs(event) {
			needed[permission] = true
		}
	}
	usedRoles := map[string]bool{}
	var left []Grant
	for _, grant := range grants {
		if grant.isUsed(needed) {
			usedRoles[grant.Role] = true
		} else {
			left = append(left, grant)
		}
	}
	// Kubernetes' own roles are bound unchanged, so they count as used if any of their permissions is.
	return slices.DeleteFunc(left, func(g Grant) bool { return g.BuiltIn && usedRoles[g.Role] })
}

func (g Grant) isUsed(needed map[Permission]bool) bool {
	for permission := range needed {
		if g.includes(permission) {
			return true
		}
	}
	return false
}

// needs returns the permissions without which the response to the request would have been different.
func needs(event auditv1.Event) []Permission {
	if refused(event) {
		return nil
	}
	request := permissionFor(event)
	needed := []Permission{request}
	created := responseStatus(event).Code == http.StatusCreated
	if request.Verb == "watch" {
		// An informer starts with a watch that streams the existing objects, and falls back to a list when kube-apiserver
		// does not support that (k8s.io/client-go tools/cache/reflector.go).
		needed = append(needed, request.with("list"))
	}
	if request.Verb == "patch" && created {
		// An apply that creates the object needs both permissions
		// (k8s.io/apiserver pkg/endpoints/handlers/patch.go).
		needed = append(needed, request.with("create"))
	}
	if role, found := roleBound(event); found && created {
		// Creating a binding requires the permission to bind its role, or all permissions of the role
		// (k8s.io/kubernetes pkg/registry/rbac/rolebinding/policybased/storage.go).
		needed = append(needed, Permission{
			Verb: "bind", Group: rbacv1.GroupName, Resource: strings.ToLower(role.Kind) + "s", Name: role.Name,
			Namespace: request.Namespace,
		})
	}
	return needed
}

// permissionFor returns the permission that the authorizers checked.
func permissionFor(event auditv1.Event) Permission {
	object := event.ObjectRef
	if object == nil {
		url, _, _ := strings.Cut(event.RequestURI, "?")
		return Permission{Verb: event.Verb, Resource: url}
	}
	return Permission{
		Verb: event.Verb, Group: object.APIGroup, Resource: path.Join(object.Resource, object.Subresource),
		Namespace: object.Namespace, Name: object.Name,
	}
}

// roleBound returns the role of a binding, if the event contains the response body and that is a binding.
func roleBound(event auditv1.Event) (role rbacv1.RoleRef, found bool) {
	if event.ResponseObject == nil {
		return rbacv1.RoleRef{}, false
	}
	var binding struct{ RoleRef rbacv1.RoleRef }
	err := json.Unmarshal(event.ResponseObject.Raw, &binding)
	return binding.RoleRef, err == nil && binding.RoleRef.Name != ""
}

// responseStatus returns the status of the response, empty if the event has none.
func responseStatus(event auditv1.Event) metav1.Status {
	return ptr.Deref(event.ResponseStatus, metav1.Status{})
}
