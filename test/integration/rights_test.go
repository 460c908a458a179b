// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// right is to do something by hand that the operator does for an ExtensionAPI.
type right struct{ verb, group, resource string }

func (r right) String() string { return r.verb + " " + r.resource + "." + r.group }

var (
	registers      = right{"create", "apiregistration.k8s.io", "apiservices"}
	unregisters    = right{"delete", "apiregistration.k8s.io", "apiservices"}
	takesOver      = right{"update", "apiregistration.k8s.io", "apiservices"}
	runs           = right{"create", "apps", "deployments"}
	stops          = right{"delete", "apps", "deployments"}
	certifies      = right{"create", "cert-manager.io", "certificates"}
	endsCertifying = right{"delete", "cert-manager.io", "certificates"}
)

// withRights are what people do with an ExtensionAPI, and what it takes. Nothing of it is kept.
var withRights = []struct {
	name  string
	takes []right
	// before changes the ExtensionAPI that there is, a server's, before it is used.
	before func(*v1alpha1.ExtensionAPISpec)
	use    func(user client.Client, existing *v1alpha1.ExtensionAPI) error
}{
	{
		"creating one for a server",
		[]right{registers, runs},
		nil,
		creating(func(*v1alpha1.ExtensionAPISpec) {}),
	},
	{
		"creating one for a server that already runs",
		[]right{registers},
		nil,
		creating(func(spec *v1alpha1.ExtensionAPISpec) {
			spec.Service = &v1alpha1.ServiceReference{
				Namespace: "any", Name: "any", CABundle: []byte("-----BEGIN CERTIFICATE-----"),
			}
			spec.Server = nil
		}),
	},
	{
		"creating one with a certificate of cert-manager",
		[]right{registers, runs, certifies},
		nil,
		creating(haveCertified),
	},
	{
		"creating one that takes over APIServices",
		[]right{registers, takesOver, runs},
		nil,
		creating(haveTakenOver),
	},
	{
		"changing its template",
		[]right{registers, runs},
		nil,
		changing(func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.Containers[0].Image = "another" }),
	},
	{
		"everything at once",
		[]right{registers, unregisters, takesOver, runs, certifies},
		nil,
		changing(func(e *v1alpha1.ExtensionAPI) {
			haveCertified(&e.Spec)
			haveTakenOver(&e.Spec)
			e.Spec.Groups[0].Versions[0].Name = "v2"
		}),
	},
	{
		"changing its labels and finalizers",
		nil,
		nil,
		changing(func(e *v1alpha1.ExtensionAPI) { e.Labels, e.Finalizers = otherLabels, nil }),
	},
	{
		"giving it an owner, with which the garbage collector deletes it",
		[]right{registers, unregisters, runs, stops},
		nil,
		changing(func(e *v1alpha1.ExtensionAPI) {
			e.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Namespace", Name: "none", UID: "none"}}
		}),
	},
	{
		"deleting it",
		[]right{unregisters, stops},
		nil,
		deleting,
	},
	{
		"deleting it with its certificate of cert-manager",
		[]right{unregisters, stops, endsCertifying},
		haveCertified,
		deleting,
	},
	{
		"deleting it and leaving everything running",
		nil,
		func(spec *v1alpha1.ExtensionAPISpec) { spec.DeletionPolicy = v1alpha1.DeletionOrphan },
		deleting,
	},
}

func TestOperatorActsOnlyForThoseWhoMayDoItByHand(t *testing.T) {
	t.Parallel()
	for i, test := range withRights {
		name := fmt.Sprintf("by-hand-%d", i)
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			createNamespace(t, name)
			existing := served(name)
			if test.before != nil {
				test.before(&existing.Spec)
			}
			apply(t, existing)
			t.Cleanup(func() { setDeletionPolicy(t, name, v1alpha1.DeletionDelete) })
			t.Run("is allowed to whoever has just the rights for it", func(t *testing.T) {
				user := newUser(t, name, name+"-author", test.takes)
				eventually(t, func() error { return test.use(user, get(t, name)) })
			})
			for i, lacking := range test.takes {
				t.Run("is refused to whoever may not "+lacking.String(), func(t *testing.T) {
					userName := fmt.Sprintf("%s-lacks-%d", name, i)
					user := newUser(t, name, userName, slices.Delete(slices.Clone(test.takes), i, i+1))
					wanted := refusal(name, userName, lacking)
					eventually(t, func() error {
						err := test.use(user, get(t, name))
						if err == nil {
							return errors.New("it is allowed")
						}
						for _, words := range wanted {
							if !strings.Contains(err.Error(), words) {
								return fmt.Errorf("the user is told\n\t%w\nwhich lacks\n\t%s", err, words)
							}
						}
						return nil
					})
				})
			}
		})
	}
}

func TestNoServerIsWhereTheOperatorIs(t *testing.T) {
	t.Parallel()
	refused := served("beside-operator")
	refused.Spec.Server.Namespace = operatorNamespace
	err := plane.client.Create(ctx, refused)
	if err == nil {
		t.Fatal("a server may be in the operator's own namespace")
	}
	troubleshooting.Check(t, "beside-operator", err.Error())
}

// refusal is what the user is told.
func refusal(name, user string, lacking right) []string {
	where, namespace := "", ""
	if lacking.group != registers.group {
		where, namespace = " in namespace "+name, " --namespace="+name
	}
	return []string{
		fmt.Sprintf("%s may not %s%s, and the operator does nothing for ExtensionAPI %s", user, lacking, where, name),
		fmt.Sprintf(" that %s may not do by hand. Ask a cluster administrator for this right, which is there when this "+
			"says yes: kubectl auth can-i --as=%s %s%s", user, user, lacking, namespace),
	}
}

// newUser is somebody who may write ExtensionAPIs, and has the rights besides: those on APIServices in the cluster, the
// others in the namespace only.
func newUser(t *testing.T, namespace, userName string, rights []right) client.Client {
	t.Helper()
	local, cluster := []rbacv1.PolicyRule{}, []rbacv1.PolicyRule{{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"extensionapis"}, Verbs: []string{"*"},
	}}
	for _, r := range rights {
		rule := rbacv1.PolicyRule{APIGroups: []string{r.group}, Resources: []string{r.resource}, Verbs: []string{r.verb}}
		if r.group == registers.group {
			cluster = append(cluster, rule)
		} else {
			local = append(local, rule)
		}
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: userName}}
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: in("", userName), Rules: cluster},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: in("", userName), RoleRef: roleOf("ClusterRole", userName), Subjects: subjects,
		},
		&rbacv1.Role{ObjectMeta: in(namespace, userName), Rules: local},
		&rbacv1.RoleBinding{ObjectMeta: in(namespace, userName), RoleRef: roleOf("Role", userName), Subjects: subjects},
	} {
		createForTheTest(t, object)
	}
	config := rest.CopyConfig(plane.env.Config)
	config.Impersonate.UserName = userName
	user, err := client.New(config, client.Options{Scheme: newScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func roleOf(kind, name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
}

func creating(mutate func(*v1alpha1.ExtensionAPISpec)) func(client.Client, *v1alpha1.ExtensionAPI) error {
	return func(user client.Client, existing *v1alpha1.ExtensionAPI) error {
		another := served(existing.Name)
		mutate(&another.Spec)
		another.Name += "-another"
		return user.Create(ctx, another, client.DryRunAll)
	}
}

func changing(mutate func(*v1alpha1.ExtensionAPI)) func(client.Client, *v1alpha1.ExtensionAPI) error {
	return func(user client.Client, existing *v1alpha1.ExtensionAPI) error {
		before := existing.DeepCopy()
		mutate(existing)
		return user.Patch(ctx, existing, client.MergeFrom(before), client.DryRunAll)
	}
}

func deleting(user client.Client, existing *v1alpha1.ExtensionAPI) error {
	return user.Delete(ctx, existing, client.DryRunAll)
}

func haveCertified(spec *v1alpha1.ExtensionAPISpec) {
	spec.Certificates = &v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{
		IssuerRef: v1alpha1.CertManagerIssuer{Name: "any"},
	}}
}

func haveTakenOver(spec *v1alpha1.ExtensionAPISpec) { spec.AdoptionPolicy = v1alpha1.AdoptionAdopt }

// TestPoliciesCanPayForTheLargestExtensionAPI guards against the bound on what an expression may cost, beyond which the
// policy refuses everything.
func TestPoliciesCanPayForTheLargestExtensionAPI(t *testing.T) {
	t.Parallel()
	const name, most = "largest", 16
	largest := served(name)
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
	shuffle := func(e *v1alpha1.ExtensionAPI) {
		slices.Reverse(e.Spec.Groups)
		for i := range e.Spec.Groups {
			slices.Reverse(e.Spec.Groups[i].Versions)
		}
		e.Spec.Server.Template.Spec.Containers[0].Env[99].Value = "y"
	}
	for _, use := range []func(client.Client, *v1alpha1.ExtensionAPI) error{changing(shuffle), deleting} {
		if err := use(plane.client, get(t, name)); err != nil {
			t.Error(err)
		}
	}
}
