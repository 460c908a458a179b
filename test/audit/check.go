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
	// decision is what the authorizers have said (k8s.io/apiserver pkg/endpoints/filters/authorization.go). A request
	// that they allow can still be answered with 403, by admission or a quota.
	decision = "authorization.k8s.io/decision"
	// escalation is in the answer when somebody binds a role without being allowed to, after the request itself has been
	// allowed (k8s.io/kubernetes pkg/registry/rbac/validation/rule.go).
	escalation = "attempting to grant RBAC permissions not currently held"
)

// CheckRefusals returns an error that tells of every kind of request that RBAC refused.
func CheckRefusals(events []auditv1.Event) error {
	var errs []error
	for _, refusal := range refusals(events) {
		errs = append(errs, fmt.Errorf("RBAC refused a request: %s\n\tadd a +kubebuilder:rbac marker beside the code that "+
			"sends it, run 'make generate', and add the rule to the chart; or do not send it", refusal))
	}
	return errors.Join(errs...)
}

// CheckGrants returns an error that tells of every permission that no request needed.
func CheckGrants(grants []Grant, events []auditv1.Event) error {
	var errs []error
	for _, grant := range unused(grants, events) {
		errs = append(errs, fmt.Errorf("%s allows to %s, which no test made use of\n\ttake it out of the "+
			"+kubebuilder:rbac marker (then 'make generate') or the file in config/rbac, and out of the chart; or add the test "+
			"that needs it", grant.Role, grant.Permission))
	}
	return errors.Join(errs...)
}

// refusals are in kube-apiserver's words, each once.
func refusals(events []auditv1.Event) []string {
	var found []string
	for _, event := range events {
		if refused(event) {
			found = append(found, answer(event).Message)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func refused(event auditv1.Event) bool {
	return event.Annotations[decision] == "forbid" || strings.Contains(answer(event).Message, escalation)
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
	// Kubernetes' own roles are bound as they are, for the sake of anything in them.
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

// needs are the permissions without which the request would not have been answered as it was.
func needs(event auditv1.Event) []Permission {
	if refused(event) {
		return nil
	}
	request := permissionFor(event)
	needed := []Permission{request}
	created := answer(event).Code == http.StatusCreated
	if request.Verb == "watch" {
		// An informer begins with a watch that sends what there is, and lists when kube-apiserver cannot do that
		// (k8s.io/client-go tools/cache/reflector.go).
		needed = append(needed, request.with("list"))
	}
	if request.Verb == "patch" && created {
		// An apply that makes what there is not needs both permissions
		// (k8s.io/apiserver pkg/endpoints/handlers/patch.go).
		needed = append(needed, request.with("create"))
	}
	if role, found := roleBound(event); found && created {
		// Whoever makes a binding needs the permission to bind the role in it, or all that the role allows
		// (k8s.io/kubernetes pkg/registry/rbac/rolebinding/policybased/storage.go).
		needed = append(needed, Permission{
			Verb: "bind", Group: rbacv1.GroupName, Resource: strings.ToLower(role.Kind) + "s", Name: role.Name,
			Namespace: request.Namespace,
		})
	}
	return needed
}

// permissionFor is what the authorizers were asked for.
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

// roleBound is the role that a binding names, when the log has the answer's body and that is a binding.
func roleBound(event auditv1.Event) (role rbacv1.RoleRef, found bool) {
	if event.ResponseObject == nil {
		return rbacv1.RoleRef{}, false
	}
	var binding struct{ RoleRef rbacv1.RoleRef }
	err := json.Unmarshal(event.ResponseObject.Raw, &binding)
	return binding.RoleRef, err == nil && binding.RoleRef.Name != ""
}

// answer is empty when the log has none.
func answer(event auditv1.Event) metav1.Status {
	return ptr.Deref(event.ResponseStatus, metav1.Status{})
}
