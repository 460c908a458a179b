// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

// trustReader has the ConfigMap and the ClusterTrustBundles named "ca", these in the versions that are served.
type trustReader struct {
	client.Reader
	served    []string
	configMap corev1.ConfigMap
}

func (r trustReader) Get(
	_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption,
) error {
	switch into := object.(type) {
	case *corev1.ConfigMap:
		*into = r.configMap
	case *unstructured.Unstructured:
		for _, version := range r.served {
			if into.GroupVersionKind().Version == version && key.Name == "ca" {
				return unstructured.SetNestedField(into.Object, version, "spec", "trustBundle")
			}
			if into.GroupVersionKind().Version == version {
				return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
			}
		}
		return apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, false)
	}
	return nil
}

func bundleOf(name string) *v1alpha1.ExistingService {
	return &v1alpha1.ExistingService{CABundleFrom: &v1alpha1.CABundleSource{
		ClusterTrustBundleRef: &v1alpha1.ClusterTrustBundleReference{Name: name},
	}}
}

func TestAClusterTrustBundleIsReadInTheVersionThatIsServed(t *testing.T) {
	for name, test := range map[string]struct {
		served  []string
		version string
	}{
		"the stable one": {[]string{"v1"}, "v1"},
		"the beta":       {[]string{"v1beta1"}, "v1beta1"},
		"both":           {[]string{"v1beta1", "v1"}, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Observer{Live: trustReader{served: test.served}}
			read, err := o.caBundle(t.Context(), bundleOf("ca"))
			if err != nil || string(read.PEM) != test.version || read.Source.Version != test.version || read.Unreadable.Found() {
				t.Errorf("read is %+v (%v)", read, err)
			}
			if read, err = o.caBundle(t.Context(), bundleOf("missing")); err != nil || read.Exists || read.Unreadable.Found() {
				t.Errorf("of one that does not exist, read is %+v (%v)", read, err)
			}
		})
	}
}

func TestAClusterWithoutClusterTrustBundlesIsReported(t *testing.T) {
	read, err := (&Observer{Live: trustReader{}}).caBundle(t.Context(), bundleOf("ca"))
	if err != nil {
		t.Fatal(err)
	}
	findingtest.Expect(t, read.Unreadable, "False", v1alpha1.ReasonClusterTrustBundlesNotServed,
		"ClusterTrustBundle ca cannot be read: the cluster serves no ClusterTrustBundles. Use Kubernetes 1.37, or enable")
}

func TestAKeyOfAConfigMapIsReadWhereverItIs(t *testing.T) {
	reader := trustReader{configMap: corev1.ConfigMap{
		Data: map[string]string{"text": "a"}, BinaryData: map[string][]byte{"binary": []byte("b")},
	}}
	for key, want := range map[string]string{"text": "a", "binary": "b", "other": ""} {
		service := &v1alpha1.ExistingService{Namespace: "in", CABundleFrom: &v1alpha1.CABundleSource{
			ConfigMapRef: &v1alpha1.CABundleKeyReference{Name: "ca", Key: key},
		}}
		read, err := (&Observer{Live: reader}).caBundle(t.Context(), service)
		if err != nil || string(read.PEM) != want || !read.Exists || read.HasKey != (want != "") {
			t.Errorf("of key %s, read is %+v (%v)", key, read, err)
		}
	}
}

func TestNothingIsReadInANamespaceThatIsOutOfReach(t *testing.T) {
	service := &v1alpha1.ExistingService{Namespace: "other", CABundleFrom: &v1alpha1.CABundleSource{
		SecretRef: &v1alpha1.CABundleKeyReference{Name: "ca", Key: "ca.crt"},
	}}
	o := &Observer{ServerNamespaces: confine("operator", []string{"in"}, func(string) bool { return false })}
	read, err := o.caBundle(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	findingtest.Expect(t, read.Unreadable, "False", v1alpha1.ReasonNamespaceNotAllowed,
		"may not read Secret other/ca: it has no permissions in that namespace. Add the namespace")
}
