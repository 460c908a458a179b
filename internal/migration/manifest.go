// SPDX-License-Identifier: Apache-2.0

// Package migration derives the ExtensionAPI for an extension API server that runs already, as docs/tasks/migrating.md
// describes by hand. It decides and reads nothing: it imports no client.
package migration

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Running is what runs today.
type Running struct {
	// APIServices are all that lead to the Service.
	APIServices []*apiregistrationv1.APIService
	// Service is nil if it does not exist, or cannot be read.
	Service *corev1.Service
	// Deployments are those whose Pods the Service selects.
	Deployments []appsv1.Deployment
	// ClusterRoleBindings and RoleBindings are those of the cluster.
	ClusterRoleBindings []rbacv1.ClusterRoleBinding
	RoleBindings        []rbacv1.RoleBinding
	// Unread is what could not be read, and why.
	Unread []string
}

// Options are choices of the user.
type Options struct {
	// Name of the ExtensionAPI, derived from the Service if empty.
	Name string
	// Policy is the adoption policy.
	Policy v1alpha1.AdoptionPolicy
	// Existing registers the Service as it is, also where the operator could run the server.
	Existing bool
}

// Manifest is the result.
type Manifest struct {
	ExtensionAPI        *v1alpha1.ExtensionAPI
	ClusterRoleBindings []rbacv1.ClusterRoleBinding
	RoleBindings        []rbacv1.RoleBinding
	// Notes are what was changed or could not be carried over, a sentence each.
	Notes []string
	// Missing is what the manifest lacks, so that kube-apiserver refuses it.
	Missing []string
}

func (m *Manifest) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// Of returns the manifest for what runs. Where its server is not a Deployment, or is not to be replaced, that registers
// the existing Service.
func Of(running Running, options Options) (*Manifest, error) {
	if len(running.APIServices) == 0 {
		return nil, errors.New("there is no APIService")
	}
	reference := running.APIServices[0].Spec.Service
	m := &Manifest{ExtensionAPI: &v1alpha1.ExtensionAPI{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ExtensionAPI"},
		Spec:     v1alpha1.ExtensionAPISpec{AdoptionPolicy: options.Policy},
	}}
	m.groups(running.APIServices)
	m.owners(running.APIServices)
	for _, unread := range running.Unread {
		m.note("not read: %s", excerpt.Of(unread, limits.Text))
	}
	if options.Existing || !m.canRun(running) {
		m.ExtensionAPI.Name = cmp.Or(options.Name, shortened(reference.Name))
		m.existingService(running)
		return m, nil
	}
	m.ExtensionAPI.Name = cmp.Or(options.Name, newName(reference.Name, running))
	m.server(running.Service, &running.Deployments[0])
	m.bindings(running)
	return m, nil
}

// canRun reports whether the server is a Deployment that the operator can run, and notes why not.
func (m *Manifest) canRun(running Running) bool {
	switch {
	case running.Service == nil:
		m.note("the Service does not exist or cannot be read, so it is registered as it is")
	case running.Service.Spec.Type == corev1.ServiceTypeExternalName:
		m.note("the Service names the host %s, so the server is registered as it "+
			"is", excerpt.Quote(running.Service.Spec.ExternalName))
	case len(running.Deployments) == 0:
		m.note("the Service selects no Pods of a Deployment that can be read, so the server is registered as it is")
	case len(running.Deployments) > 1:
		m.note("the Service selects the Pods of several Deployments (%s), so the server is registered as it is",
			strings.Join(namesOf(running.Deployments), ", "))
	default:
		return true
	}
	return false
}

func namesOf(deployments []appsv1.Deployment) []string {
	var names []string
	for i := range deployments {
		names = append(names, deployments[i].Name)
	}
	return names
}

// maxName is the longest name of an ExtensionAPI (api/v1alpha1).
const maxName = 46

func shortened(name string) string { return strings.TrimRight(name[:min(len(name), maxName)], "-.") }

// newName differs from those of the objects that run: the operator creates a Service and a Deployment of that name.
func newName(service string, running Running) string {
	taken := append(namesOf(running.Deployments), service)
	base := strings.TrimSuffix(strings.TrimSuffix(shortened(service), "-server"), "-apiserver")
	for _, candidate := range []string{base, base + "-api"} {
		if !slices.Contains(taken, candidate) {
			return candidate
		}
	}
	return strings.TrimRight(base[:min(len(base), maxName-len("-extension-api"))], "-") + "-extension-api"
}

// maxGroupPriority is the highest groupPriorityMinimum of an ExtensionAPI.
const maxGroupPriority = 15000

// groups takes over groups, versions and priorities, so that adopting changes none of them.
func (m *Manifest) groups(apiServices []*apiregistrationv1.APIService) {
	for _, apiService := range apiServices {
		spec := apiService.Spec
		i := slices.IndexFunc(m.ExtensionAPI.Spec.Groups, func(g v1alpha1.APIGroup) bool { return g.Name == spec.Group })
		if i < 0 {
			i = len(m.ExtensionAPI.Spec.Groups)
			m.ExtensionAPI.Spec.Groups = append(m.ExtensionAPI.Spec.Groups, v1alpha1.APIGroup{
				Name: spec.Group, GroupPriorityMinimum: min(spec.GroupPriorityMinimum, maxGroupPriority),
			})
		}
		if spec.GroupPriorityMinimum > maxGroupPriority {
			m.note("groupPriorityMinimum of %s is %d, and an ExtensionAPI's is at most %d", apiService.Name,
				spec.GroupPriorityMinimum, maxGroupPriority)
		}
		m.ExtensionAPI.Spec.Groups[i].Versions = append(m.ExtensionAPI.Spec.Groups[i].Versions,
			v1alpha1.APIVersion{Name: spec.Version, VersionPriority: spec.VersionPriority})
	}
	for _, group := range m.ExtensionAPI.Spec.Groups {
		slices.SortStableFunc(group.Versions, func(a, b v1alpha1.APIVersion) int {
			return cmp.Compare(b.VersionPriority, a.VersionPriority)
		})
	}
}
