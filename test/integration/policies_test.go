// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestPermissionsOnTheNamedObjectsAreSufficient(t *testing.T) {
	t.Parallel()
	const name, several, elsewhere = "by-name", "by-name-several", "by-name-elsewhere"
	createNamespace(t, name)
	createNamespace(t, elsewhere)
	ofOne, ofSeveral := served(name), served(several)
	addVersion(ofSeveral)
	for _, extensionAPI := range []*v1alpha1.ExtensionAPI{ofOne, ofSeveral} {
		extensionAPI.Spec.Server.Namespace, extensionAPI.Spec.Suspend = name, true
		apply(t, extensionAPI)
	}
	objects := []rbacv1.PolicyRule{right{"delete", secretResource}.rule(name+"-serving-cert", several+"-serving-cert")}
	for _, resource := range []schema.GroupResource{deploymentResource, serviceResource, accountResource, budgetResource} {
		objects = append(objects, right{"delete", resource}.rule(name, several))
	}
	deletesAPIServices := right{"delete", apiServiceResource}
	itsOwn := deletesAPIServices.rule(
		"v1."+name+".example.com", "v1."+several+".example.com", "v3."+several+".example.com")
	grantNow(t, "", "deletes just the APIServices", itsOwn, writing)
	grantNow(t, "", "deletes APIServices", deletesAPIServices.rule(), writing)
	grantNow(t, name, "deletes objects", objects...)
	grantNow(t, elsewhere, "deletes objects elsewhere", objects...)
	user := newAuthor(t)
	for _, test := range []struct {
		may      string
		groups   []string
		deletes  string
		admitted bool
	}{
		{"its only APIService by name", []string{"deletes just the APIServices", "deletes objects"}, name, true},
		{"its APIServices by name", []string{"deletes just the APIServices", "deletes objects"}, several, false},
		{"any APIService", []string{"deletes APIServices", "deletes objects"}, several, true},
		{"objects in another namespace", []string{"deletes APIServices", "deletes objects elsewhere"}, name, false},
	} {
		t.Run(test.may, func(t *testing.T) {
			err := user.Delete(inGroups(test.groups...), named(test.deletes), client.DryRunAll)
			if test.admitted && err != nil || !test.admitted && !apierrors.IsForbidden(err) {
				t.Errorf("the error is %v", err)
			}
			if test.deletes == several && err != nil {
				troubleshooting.Check(t, "not-by-hand", err.Error())
			}
		})
	}
}

func TestServerInTheOperatorsNamespaceIsDenied(t *testing.T) {
	t.Parallel()
	refused := served("beside-operator")
	refused.Spec.Server.Namespace = operatorNamespace
	err := plane.client.Create(ctx, refused)
	if err == nil {
		t.Fatal("a server in the operator's own namespace is allowed")
	}
	troubleshooting.Check(t, "beside-operator", err.Error())
}

// approved is the annotation for the approval of an API by the Kubernetes project.
const approved = "api-approved.kubernetes.io"

func TestGroupsOfTheKubernetesProjectRequireApproval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		group, approval string
		admitted        bool
	}{
		{"shop.k8s.io", "", false},
		{"k8s.io", "", false},
		{"shop.kubernetes.io", "", false},
		{"shop.k8s.io", "https://github.com/kubernetes/enhancements/pull/1111", true},
		{"shop.k8s.io", "unapproved, experimental", true},
		{"shop.k8s.io", "why not", false},
		{"metrics.k8s.io", "", true},
		{"custom.metrics.k8s.io", "", true},
		{"external.metrics.k8s.io", "", true},
		{"shop.x-k8s.io", "", true},
		{"k8s.io.example.com", "", true},
	} {
		t.Run(test.group+" "+test.approval, func(t *testing.T) {
			extensionAPI := served("approval")
			extensionAPI.Spec.Groups = groups(test.group, "v1")
			metav1.SetMetaDataAnnotation(&extensionAPI.ObjectMeta, approved, test.approval)
			err := plane.client.Create(ctx, extensionAPI, client.DryRunAll)
			if (err == nil) != test.admitted {
				t.Errorf("the error is %v", err)
			}
			if test.group == "shop.k8s.io" && test.approval == "" {
				troubleshooting.Check(t, "unapproved-group", err.Error())
			}
		})
	}
}

func TestExistingGroupNeedsNoApproval(t *testing.T) {
	t.Parallel()
	const name = "approved"
	extensionAPI := served(name)
	extensionAPI.Spec.Groups = groups("approved.k8s.io", "v1")
	metav1.SetMetaDataAnnotation(&extensionAPI.ObjectMeta, approved, "unapproved, experimental")
	apply(t, extensionAPI)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Annotations = nil })
	change(t, named(name), addVersion)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups("approved.example.com", "v1") })
	err := plane.client.Patch(ctx, named(name), client.RawPatch("application/merge-patch+json",
		[]byte(`{"spec":{"groups":[{"name":"approved.k8s.io","versions":[{"name":"v1"}]}]}}`)), client.DryRunAll)
	if err == nil {
		t.Error("a removed group can be added again without an approval")
	}
}

// TestPoliciesStayWithinTheCELCostBudget checks the largest ExtensionAPI against the CEL cost limits of an expression
// and of a policy, beyond which every request is denied.
func TestPoliciesStayWithinTheCELCostBudget(t *testing.T) {
	t.Parallel()
	const name, most = "largest", 16
	largest := served(name)
	largest.Spec.Suspend = true
	largest.Spec.Groups = nil
	for i := range most {
		group := groups(fmt.Sprintf("%s.g%d.example.com", strings.Repeat("long-", 30)+"name", i))[0]
		for j := range most {
			group.Versions = append(group.Versions, v1alpha1.APIVersion{Name: fmt.Sprintf("v%d", j)})
		}
		largest.Spec.Groups = append(largest.Spec.Groups, group)
	}
	container := &largest.Spec.Server.Template.Spec.Containers[0]
	for i := range 100 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprint("E", i), Value: strings.Repeat("x", 8000)})
	}
	apply(t, largest)
	everything := func(e *v1alpha1.ExtensionAPI) {
		slices.Reverse(e.Spec.Groups)
		for i := range e.Spec.Groups {
			slices.Reverse(e.Spec.Groups[i].Versions)
			e.Spec.Groups[i].Versions[0].Name = "another"
			e.Spec.Groups[i].Sharing = v1alpha1.SharingAllowed
		}
		e.Spec.Server.Template.Spec.Containers[0].Env[99].Value = "y"
		for _, modify := range []modification{
			renumberPort, nameAccount, certify, closePorts, monitor, adopt, probeOften, resumeIt, giveOwner,
		} {
			modify(e)
		}
	}
	for does, attempt := range map[string]attempt{
		"changing everything": changeOf(t, get(t, name), everything),
		"deleting it":         deletionOf(name),
	} {
		if err := attempt(ctx, plane.client); err != nil {
			t.Errorf("%s: %v", does, err)
		}
	}
}
