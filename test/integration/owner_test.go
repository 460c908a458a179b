// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var (
	// writingAnything is the permission to write all objects, without the permission to set the owner label.
	writingAnything = rbacv1.PolicyRule{
		APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "create", "update", "patch", "bind"},
	}
	// owningShop is the permission to mark objects as owned by ExtensionAPI shop.
	owningShop = rbacv1.PolicyRule{
		APIGroups: writing.APIGroups, Resources: writing.Resources, Verbs: []string{"own"}, ResourceNames: []string{"shop"},
	}
	// certifying is a permission that only cert-manager has in the whole cluster.
	certifying = right{"patch", schema.GroupResource{Group: "cert-manager.io", Resource: "certificates/status"}}.rule()
)

func TestOtherUsersCannotCreateObjectsWithTheOwnerLabel(t *testing.T) {
	t.Parallel()
	const namespace, writers, restorers = "marked-by-whom", "writers of anything", "restorers of ExtensionAPI shop"
	createNamespace(t, namespace)
	grantNow(t, "", writers, writingAnything)
	grantNow(t, "", restorers, writingAnything, owningShop)
	user := newAuthor(t)
	for i, object := range readOwned(t, namespace) {
		t.Run(fmt.Sprintf("%s (%d)", object.GetKind(), i+1), func(t *testing.T) {
			expectRefusedByOwnerPolicy(t, user.Create(inGroups(writers), object.DeepCopy(), client.DryRunAll))
			for who, err := range map[string]error{
				"a user who restores a backup": user.Create(inGroups(restorers), object.DeepCopy(), client.DryRunAll),
				"an administrator":             plane.client.Create(ctx, object.DeepCopy(), client.DryRunAll),
			} {
				if err != nil {
					t.Errorf("%s is denied: %v", who, err)
				}
			}
		})
	}
}

func TestOtherUsersCannotChangeTheOwnerLabel(t *testing.T) {
	t.Parallel()
	const namespace, writers, owners = "owned-changes", "writers of objects in owned-changes", "owners of shop"
	createNamespace(t, namespace)
	grantNow(t, namespace, writers, writingAnything)
	grantNow(t, "", owners, owningShop)
	owned := &corev1.ServiceAccount{ObjectMeta: labelled(in(namespace, "owned"), manifests.Labels("another"))}
	metav1.SetMetaDataAnnotation(&owned.ObjectMeta, "aggregation.extensionapi.dev/uid", "1")
	other := &corev1.ServiceAccount{ObjectMeta: in(namespace, "other")}
	create(t, owned)
	create(t, other)
	user := newAuthor(t)
	for _, test := range []struct {
		object *corev1.ServiceAccount
		patch  string
		may    bool
	}{
		{other, `{"labels":{"aggregation.extensionapi.dev/extensionapi":"another"}}`, false},
		{other, `{"labels":{"aggregation.extensionapi.dev/extensionapi":"shop"}}`, true},
		{other, `{"labels":{"app":"other"}}`, true},
		{owned, `{"labels":{"aggregation.extensionapi.dev/extensionapi":"third"}}`, false},
		{owned, `{"annotations":{"aggregation.extensionapi.dev/uid":"2"}}`, false},
		{owned, `{"labels":{"app":"other"},"annotations":{"app":"other"}}`, true},
		{owned, `{"labels":{"aggregation.extensionapi.dev/extensionapi":null}}`, true},
		{owned, `{"annotations":{"aggregation.extensionapi.dev/uid":null}}`, true},
	} {
		t.Run(test.object.Name+" "+test.patch, func(t *testing.T) {
			patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":`+test.patch+`}`))
			err := user.Patch(inGroups(writers, owners), test.object.DeepCopy(), patch, client.DryRunAll)
			if !test.may {
				expectRefusedByOwnerPolicy(t, err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOtherUsersCannotSetTheOwnerLabelThroughStatus(t *testing.T) {
	t.Parallel()
	const name, writers = "owned-status", "writers of objects in owned-status"
	createNamespace(t, name)
	grantNow(t, name, writers, writingAnything)
	service := localService(name)
	create(t, service)
	patch := client.RawPatch("application/merge-patch+json",
		[]byte(`{"metadata":{"labels":{"aggregation.extensionapi.dev/extensionapi":"shop"}}}`))
	user := newAuthor(t)
	err := user.Status().Patch(inGroups(writers), service.DeepCopy(), patch, client.DryRunAll)
	expectRefusedByOwnerPolicy(t, err)
	err = user.Patch(inGroups(writers), service, patch, client.DryRunAll)
	expectRefusedByOwnerPolicy(t, err)
	troubleshooting.Check(t, "owner-label", err.Error())
}

func TestControllersCopyTheOwnerLabel(t *testing.T) {
	t.Parallel()
	const namespace, controllers = "owned-copies", "system:serviceaccount:kube-system:"
	createNamespace(t, namespace)
	owned := map[string]client.Object{}
	for _, object := range readOwned(t, namespace) {
		object.SetLabels(manifests.Labels("shop")) // the object with the label in its template is the last one
		owned[object.GetKind()] = object
	}
	for _, test := range []struct {
		user, kind string
		may        bool
	}{
		{operatorUser, "Deployment", true},
		{operatorUser, "Certificate", true},
		{controllers + "deployment-controller", "ReplicaSet", true},
		{controllers + "replicaset-controller", "Pod", true},
		{controllers + "statefulset-controller", "Pod", true},
		{controllers + "endpoint-controller", "Endpoints", true},
		{controllers + "endpointslice-controller", "EndpointSlice", true},
		{controllers + "endpointslicemirroring-controller", "EndpointSlice", true},
		{controllers + "daemon-set-controller", "Pod", false},
	} {
		t.Run(test.user+" makes a "+test.kind, func(t *testing.T) {
			err := as(t, test.user).Create(ctx, owned[test.kind], client.DryRunAll)
			if !test.may {
				expectRefusedByOwnerPolicy(t, err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCertManagerMayLabelTheRequestedSecret(t *testing.T) {
	t.Parallel()
	const namespace, writers, issuers = "owned-secrets", "writers of objects in owned-secrets", "issuers"
	createNamespace(t, namespace)
	grantNow(t, namespace, writers, writingAnything)
	grantNow(t, "", issuers, certifying)
	user := newAuthor(t)
	createSecret := func(name string, groups ...string) error {
		secret := &corev1.Secret{ObjectMeta: labelled(in(namespace, name), manifests.Labels("shop"))}
		return user.Create(inGroups(groups...), secret, client.DryRunAll)
	}
	if err := createSecret(manifests.CertManagerName("shop"), writers, issuers); err != nil {
		t.Error(err)
	}
	expectRefusedByOwnerPolicy(t, createSecret(manifests.CertManagerName("another"), writers, issuers))
	expectRefusedByOwnerPolicy(t, createSecret(manifests.CertManagerName("shop"), writers))
}

func expectRefusedByOwnerPolicy(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'extensionapi-operator-owner") ||
		!strings.Contains(err.Error(), "kubectl auth can-i") {
		t.Errorf("the error is %v", err)
	}
}

// readOwned returns objects of all kinds, which are marked as owned by ExtensionAPI shop, or whose templates are.
func readOwned(t *testing.T, namespace string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile("testdata/owned.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if object.GetNamespace() != "" {
			object.SetNamespace(namespace)
		}
		objects = append(objects, object)
	}
}
