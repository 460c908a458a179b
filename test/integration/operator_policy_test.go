// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

// TestAdmissionPoliciesRestrictTheOperator sends, as the operator, what its roles allow. Nothing of it is kept.
func TestAdmissionPoliciesRestrictTheOperator(t *testing.T) {
	t.Parallel()
	const name = "bounded"
	createNamespace(t, name)
	owned, foreign := boundedPod(name, "owned", manifests.ServerLabels(name)), boundedPod(name, "foreign", nil)
	registered := holders.APIService(name)
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: in("", name), RoleRef: rbacv1.RoleRef{
		APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view",
	}}
	for _, object := range []client.Object{owned, foreign, registered, binding} {
		createUntilCleanup(t, object)
	}
	builtIn := &apiregistrationv1.APIService{ObjectMeta: in("", "v1.apps")}
	operator, err := client.New(impersonate(plane, operatorAccount), client.Options{Scheme: kinds.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what      string
		do        error
		refusedBy string
	}{
		{"ejecting a Pod", tryPatch(t, operator, owned, eject), ""},
		{"ejecting a Pod that no server has", tryPatch(t, operator, foreign, eject), "pods"},
		{"labelling a Pod", tryPatch(t, operator, owned, addLabel("app", "x")), "pods"},
		{"taking a label off a Pod", tryPatch(t, operator, owned, removeOwnerLabel), "pods"},
		{"giving a Pod to another server", tryPatch(t, operator, owned, addLabel(manifests.OwnerLabel, "x")), "pods"},
		{"annotating a Pod", tryPatch(t, operator, owned, addAnnotation), "pods"},
		{"changing a Pod's image", tryPatch(t, operator, owned, changeImage), "pods"},
		{"giving a Pod an owner", tryPatch(t, operator, owned, addOwner), "pods"},
		{"giving a Pod a finalizer", tryPatch(t, operator, owned, addFinalizer), "pods"},

		{"binding a role under a name of its own", tryBind(operator, "extensionapi:bounded:x"), ""},
		{"binding a role under another name", tryBind(operator, "bounded-x"), "bindings"},
		{"deleting a binding of another owner", tryDelete(operator, binding), "bindings"},

		{"unregistering a server", tryDelete(operator, registered), ""},
		{"unregistering a group of Kubernetes", tryDelete(operator, builtIn), "apiservices"},
		{"redirecting a group of Kubernetes", tryPatch(t, operator, builtIn, redirect), "apiservices"},
	} {
		if err := checkRefusal(test.do, test.refusedBy); err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
	}
}

// checkRefusal wants the policy that bounds the operator's pods, bindings or apiservices to refuse; none where it is
// empty.
func checkRefusal(err error, policy string) error {
	switch {
	case policy == "":
		return err
	case err == nil:
		return errors.New("it is allowed")
	case !strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'extensionapi-operator-"+policy+"'"):
		return fmt.Errorf("the policy of %s does not refuse it: %w", policy, err)
	default:
		return nil
	}
}

func boundedPod(namespace, name string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: labelled(in(namespace, name), labels),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "any", Image: "any"}}},
	}
}

// tryPatch tries a change of what the administrator sees.
func tryPatch[T client.Object](t *testing.T, operator client.Client, object T, change func(T)) error {
	t.Helper()
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	changed, _ := object.DeepCopyObject().(T)
	change(changed)
	return operator.Patch(ctx, changed, client.MergeFrom(object), client.DryRunAll)
}

func tryBind(operator client.Client, name string) error {
	return operator.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: in("", name),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
	}, client.DryRunAll)
}

func tryDelete(operator client.Client, object client.Object) error {
	return operator.Delete(ctx, object, client.DryRunAll)
}

func eject(pod *corev1.Pod) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, "false")
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, "aggregation.extensionapi.dev/ejected", "why")
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, corev1.PodDeletionCost, "-1")
}

func addLabel(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { metav1.SetMetaDataLabel(&pod.ObjectMeta, key, value) }
}

func removeOwnerLabel(pod *corev1.Pod) { delete(pod.Labels, manifests.OwnerLabel) }

func addAnnotation(pod *corev1.Pod) { metav1.SetMetaDataAnnotation(&pod.ObjectMeta, "any", "x") }

func changeImage(pod *corev1.Pod) { pod.Spec.Containers[0].Image = "another" }

func addOwner(pod *corev1.Pod) {
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Namespace", Name: "none", UID: "none"}}
}

func addFinalizer(pod *corev1.Pod) { pod.Finalizers = []string{"example.com/held"} }

func redirect(apiService *apiregistrationv1.APIService) {
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "any", Name: "any"}
	apiService.Spec.InsecureSkipTLSVerify = true
}
