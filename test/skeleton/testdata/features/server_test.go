// SPDX-License-Identifier: Apache-2.0

// Package features tests what a generated project serves: a kind in etcd and one in a backend of its own, each in two
// versions. It is copied into the project.
package features

import (
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/extensionapi/extensionapi-operator/pkg/apiserver"
	"github.com/extensionapi/extensionapi-operator/pkg/apiserver/servertest"

	billingv1 "example.com/cogs/apis/billing/v1"
	billingv1beta1 "example.com/cogs/apis/billing/v1beta1"
	gearsv1 "example.com/cogs/apis/gears/v1"
	gearsv1beta1 "example.com/cogs/apis/gears/v1beta1"
	"example.com/cogs/internal/openapi"
	billingregistry "example.com/cogs/internal/registry/billing"
	gearsregistry "example.com/cogs/internal/registry/gears"
)

// config is for clients of the server that all tests share, and admitted of one whose admission is that of a cluster.
var config, admitted *rest.Config

// kind is a kind and its resource.
type kind struct {
	name     string
	resource schema.GroupVersionResource
}

var kinds = []kind{
	{"Sprocket", schema.GroupVersion(gearsv1.GroupVersion).WithResource("sprockets")},
	{"Invoice", schema.GroupVersion(billingv1beta1.GroupVersion).WithResource("invoices")},
}

// in returns the kind in another version.
func (k kind) in(version string) kind {
	k.resource.Version = version
	return k
}

func server() apiserver.Server {
	return apiserver.Server{
		Name: "cogs",
		Versions: []func(*runtime.Scheme) error{
			gearsv1.Install, gearsv1beta1.Install, billingv1beta1.Install, billingv1.Install,
		},
		Resources: []apiserver.Resource{gearsregistry.Sprocket(), gearsregistry.Clock(), billingregistry.Invoice()},
		OpenAPI:   openapi.GetOpenAPIDefinitions,
	}
}

func TestServer(t *testing.T) {
	config = servertest.Start(t, server()).Config
	for name, test := range map[string]func(*testing.T, kind){
		"defaults are set, and what is invalid is rejected":                testValidation,
		"the status is changed by its subresource only":                    testStatus,
		"kubectl get prints columns":                                       testTable,
		"field and label selectors select":                                 testSelectors,
		"a version is converted to the other":                              testConversion,
		"a watch ends its initial events with a bookmark":                  testBookmark,
		"a watch reports an object that no longer matches as deleted":      testWatchOfSelector,
		"server-side apply, dry runs and conflicts work as for other APIs": testWrites,
		"a finalizer holds an object":                                      testFinalizer,
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range kinds {
				t.Run(kind.name, func(t *testing.T) { test(t, kind) })
			}
		})
	}
	t.Run("a resourceVersion that is no number is a bad request", testInvalidVersion)
	t.Run("OpenAPI has every version", testOpenAPI)
	t.Run("protobuf is refused where a client accepts nothing else", testProtobuf)
	t.Run("discovery is aggregated", testDiscovery)
	t.Run("computed objects are listed and read, and nothing else", testComputed)
}

func TestAdmissionPoliciesOfTheClusterAreCalled(t *testing.T) {
	kubeconfig := os.Getenv("CLUSTER_KUBECONFIG")
	if kubeconfig == "" {
		t.Fatal("CLUSTER_KUBECONFIG is not set")
	}
	admitted = servertest.StartInCluster(t, server(), kubeconfig).Config
	testAdmission(t)
}

// clientOf returns a client for a kind in a namespace.
func clientOf(t *testing.T, config *rest.Config, kind kind, namespace string) dynamic.ResourceInterface {
	t.Helper()
	c, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c.Resource(kind.resource).Namespace(namespace)
}

func object(kind kind, name, message string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"message": message}}}
	object.SetGroupVersionKind(kind.resource.GroupVersion().WithKind(kind.name))
	object.SetName(name)
	return object
}

// create creates an object in a namespace that is the test's own.
func create(t *testing.T, kind kind, name string) (*unstructured.Unstructured, dynamic.ResourceInterface) {
	t.Helper()
	c := clientOf(t, config, kind, namespaceOf(t))
	created, err := c.Create(t.Context(), object(kind, name, "hello"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created, c
}

// answer is a response that was read.
type answer struct {
	*http.Response
	content []byte
}

// get returns the answer to a request that accepts a media type.
func get(t *testing.T, path, accept string) answer {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{response, content}
}
