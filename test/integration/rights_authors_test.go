// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// right is the permission to do by hand what the operator does for an ExtensionAPI.
type right struct {
	verb     string
	resource schema.GroupResource
}

func (r right) String() string { return r.verb + " " + r.resource.String() }

// group is the group of all users with the permission.
func (r right) group() string { return "may " + r.String() }

func (r right) rule(names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		APIGroups: []string{r.resource.Group}, Resources: []string{r.resource.Resource}, Verbs: []string{r.verb},
		ResourceNames: names,
	}
}

// namespace is where the permission is granted, empty for the cluster.
func (r right) namespace() string {
	if slices.Contains(clusterWide, r.resource) {
		return ""
	}
	return byHand
}

var (
	apiServiceResource  = schema.GroupResource{Group: "apiregistration.k8s.io", Resource: "apiservices"}
	definitionResource  = schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}
	certificateResource = schema.GroupResource{Group: "cert-manager.io", Resource: "certificates"}
	deploymentResource  = schema.GroupResource{Group: "apps", Resource: "deployments"}
	statefulSetResource = schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	serviceResource     = schema.GroupResource{Resource: "services"}
	accountResource     = schema.GroupResource{Resource: "serviceaccounts"}
	secretResource      = schema.GroupResource{Resource: "secrets"}
	policyResource      = schema.GroupResource{Group: "networking.k8s.io", Resource: "networkpolicies"}
	monitorResource     = schema.GroupResource{Group: "monitoring.coreos.com", Resource: "servicemonitors"}
	budgetResource      = schema.GroupResource{Group: "policy", Resource: "poddisruptionbudgets"}
	configMapResource   = schema.GroupResource{Resource: "configmaps"}
	trustBundleResource = schema.GroupResource{Group: "certificates.k8s.io", Resource: "clustertrustbundles"}

	leaseResource = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
	eventResource = schema.GroupResource{Resource: "events"}

	clusterWide = []schema.GroupResource{apiServiceResource, definitionResource, trustBundleResource, eventResource}
)

// resourcesOf maps the terms of docs/security.md to resources.
var resourcesOf = map[string][]schema.GroupResource{
	"APIServices":               {apiServiceResource},
	"CustomResourceDefinitions": {definitionResource},
	"Certificates":              {certificateResource},
	"Deployments":               {deploymentResource},
	"StatefulSets":              {statefulSetResource},
	"Services":                  {serviceResource},
	"ServiceAccounts":           {accountResource},
	"Secrets":                   {secretResource},
	"PodDisruptionBudgets":      {budgetResource},
	"NetworkPolicies":           {policyResource},
	"ConfigMaps":                {configMapResource},
	"ClusterTrustBundles":       {trustBundleResource},
	"ServiceMonitors":           {monitorResource},
	"Leases":                    {leaseResource},
	"Events":                    {eventResource},
	"the server's objects":      {deploymentResource, serviceResource, accountResource, secretResource, budgetResource},
}

// author is the name of the user who writes ExtensionAPIs.
const author = "author"

type groupsKey struct{}

// inGroups makes the author send a request as a member of these groups.
func inGroups(groups ...string) context.Context { return context.WithValue(ctx, groupsKey{}, groups) }

// newAuthor returns a client of the author, whose groups are set by the context of each request. So permissions can
// change between requests without RBAC changes, which kube-apiserver would apply with a delay.
func newAuthor(t *testing.T) client.Client {
	t.Helper()
	config := rest.CopyConfig(plane.env.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			groups, _ := request.Context().Value(groupsKey{}).([]string)
			impersonated := transport.ImpersonationConfig{UserName: author, Groups: groups}
			return transport.NewImpersonatingRoundTripper(impersonated, next).RoundTrip(request)
		})
	})
	return newUser(t, config)
}

// as returns a client of a user to whom Kubernetes or the installation grants permissions.
func as(t *testing.T, userName string) client.Client {
	t.Helper()
	config := rest.CopyConfig(plane.env.Config)
	config.Impersonate.UserName = userName
	return newUser(t, config)
}

func newUser(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	user, err := client.New(config, client.Options{Scheme: kinds.Scheme(), Mapper: plane.client.RESTMapper()})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// writing is the permission to write ExtensionAPIs.
var writing = rbacv1.PolicyRule{
	APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"extensionapis"},
	Verbs: []string{"create", "patch", "delete"},
}

// grant grants permissions to the group, in a namespace unless that is empty, until the end of the test.
func grant(t *testing.T, namespace, group string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	meta := in("", group)
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: group}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}}
	createUntilCleanup(t, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules})
	if namespace == "" {
		createUntilCleanup(t, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: subjects})
	} else {
		meta.Namespace = namespace
		createUntilCleanup(t, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: subjects})
	}
}

// grantNow returns when the permissions are in effect.
func grantNow(t *testing.T, namespace, group string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	grant(t, namespace, group, rules...)
	awaitGrant(t, namespace, group, rules...)
}

// awaitGrant waits until kube-apiserver, which caches roles and bindings, has the granted permissions.
func awaitGrant(t *testing.T, namespace, group string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	for _, rule := range rules {
		attributes := authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0],
		}
		if len(rule.ResourceNames) > 0 {
			attributes.Name = rule.ResourceNames[0]
		}
		eventually(t, func() error {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: author, Groups: []string{group}, ResourceAttributes: &attributes,
			}}
			err := plane.client.Create(ctx, review)
			if err == nil && !review.Status.Allowed {
				err = fmt.Errorf("group %q may not %v, which it was granted", group, attributes)
			}
			return err
		})
	}
}
