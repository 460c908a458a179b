// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var shop = Locations{Name: "shop", Server: "shop-system", Operator: "extensionapi-system"}

func TestPermissionsMatchTheOwnedKinds(t *testing.T) {
	granted := grantedBy(t, "role.yaml")
	confined := grantedBy(t, "operator_role.yaml")
	for _, kind := range Kinds() {
		verbs := []string{"get", "create", "patch", "delete"}
		if kind.Cached {
			verbs = append(verbs, "list", "watch")
		}
		resource := resourceOf(kind.GroupVersionKind)
		slices.Sort(verbs)
		got := granted[resource]
		if kind.Scope == OperatorNamespace {
			got = confined[resource]
		}
		if !slices.Equal(got, verbs) {
			t.Errorf("the operator may %q %s, want %q: see the markers of the kinds", got, resource, verbs)
		}
		if kind.Scope != OperatorNamespace {
			delete(granted, resource)
		}
	}
	for resource, verbs := range granted {
		if slices.Contains(verbs, "delete") {
			t.Errorf("the operator may delete %s, which is not in the inventory", resource)
		}
	}
}

// grantedBy returns the verbs of each resource in the roles of a file.
func grantedBy(t *testing.T, name string) map[schema.GroupResource][]string {
	t.Helper()
	file, err := os.Open("../../config/rbac/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	granted := map[schema.GroupResource][]string{}
	for decoder := utilyaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		role := rbacv1.ClusterRole{} // a Role has the same rules
		if decoder.Decode(&role) != nil {
			return granted
		}
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				slices.Sort(rule.Verbs)
				granted[schema.GroupResource{Group: rule.APIGroups[0], Resource: resource}] = rule.Verbs
			}
		}
	}
}

func resourceOf(kind schema.GroupVersionKind) schema.GroupResource {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.GroupResource()
}

func TestObjectsHaveUniqueNamesAndKnownKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, object := range objects {
		key := object.Key(shop)
		id := object.Kind.Kind + " " + key.String()
		if seen[id] || KindOf(object.Kind.GroupVersionKind).New() == nil {
			t.Errorf("%s is duplicated, or of an unknown kind", id)
		}
		seen[id] = true
		if (key.Namespace == "") != (object.Kind.Scope == Cluster) {
			t.Errorf("%s is in namespace %q", id, key.Namespace)
		}
	}
}

func TestObjectsAreBuiltWithTheirKey(t *testing.T) {
	extensionAPI := &v1alpha1.ExtensionAPI{}
	extensionAPI.Name = shop.Name
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}}
	extensionAPI.Spec.Server = &v1alpha1.Server{
		Namespace: shop.Server, NetworkPolicy: v1alpha1.PolicyEnabled, ServiceMonitor: v1alpha1.PolicyEnabled,
		Storage: &v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{}},
	}
	for _, stage := range []Stage{BeforeStorage, WithStorage, BeforeDeployment, WithDeployment, Monitoring} {
		for _, object := range append(CreatedAt(stage, extensionAPI), ofControllersAt(stage, extensionAPI)...) {
			configuration, err := object.Configuration(extensionAPI, Inputs{Accounts: []string{"shop"}})
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := json.Marshal(configuration)
			if err != nil {
				t.Fatal(err)
			}
			built := &metav1.PartialObjectMetadata{}
			if err := json.Unmarshal(encoded, built); err != nil {
				t.Fatal(err)
			}
			if key := client.ObjectKeyFromObject(built); key != object.Key(shop) || built.Kind != object.Kind.Kind {
				t.Errorf("%s %s is built as %s %s", object.Kind.Kind, object.Key(shop), built.Kind, key)
			}
		}
	}
}

func ofControllersAt(stage Stage, extensionAPI *v1alpha1.ExtensionAPI) []Object {
	if stage != BeforeDeployment && stage != WithDeployment {
		return nil
	}
	return CreatedForController(stage, manifests.ControllersOf(extensionAPI)[0])
}

func TestTheAuthReaderBindingIsNotAtTheServer(t *testing.T) {
	for _, object := range objects {
		if key := object.Key(shop); key.Namespace == manifests.AuthReaderNamespace && object.IsAtServer() {
			t.Errorf("%s %s is said to be in the namespace of the server", object.Kind.Kind, key)
		}
	}
}

func TestObjectsThatTheSpecDisablesAreUnwanted(t *testing.T) {
	server := &v1alpha1.Server{}
	extensionAPI := &v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{Server: server}}
	ofStorage := []string{"StatefulSet", "Service", "NetworkPolicy", "NetworkPolicy", "Secret", "Secret"}
	expectUnwanted(t, extensionAPI, append(ofStorage, "ClusterRoleBinding", "RoleBinding")...)
	server.Storage = &v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{}}
	expectUnwanted(t, extensionAPI, "NetworkPolicy", "NetworkPolicy", "ClusterRoleBinding", "RoleBinding")
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}}
	expectUnwanted(t, extensionAPI, "NetworkPolicy", "NetworkPolicy")
	server.NetworkPolicy = v1alpha1.PolicyEnabled
	expectUnwanted(t, extensionAPI)
	server.DisruptionBudget = &v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyDisabled}
	expectUnwanted(t, extensionAPI, "PodDisruptionBudget")
}

func expectUnwanted(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, wants ...string) {
	t.Helper()
	if unwanted := kindsOf(Unwanted(extensionAPI)); !slices.Equal(unwanted, wants) {
		t.Errorf("%v are unwanted, want %v", unwanted, wants)
	}
	created := CreatedAt(BeforeDeployment, extensionAPI)
	for _, object := range Unwanted(extensionAPI) {
		isSame := func(other Object) bool { return other.Kind == object.Kind && other.Key(shop) == object.Key(shop) }
		if slices.ContainsFunc(created, isSame) {
			t.Errorf("%s is unwanted, and created", object.Kind.Kind)
		}
	}
}

func kindsOf(objects []Object) []string {
	var kinds []string
	for _, object := range objects {
		kinds = append(kinds, object.Kind.Kind)
	}
	return kinds
}

func TestIsAtServer(t *testing.T) {
	for _, object := range objects {
		atServer := object.IsAtServer()
		switch object.Kind.Kind {
		case "ClusterRoleBinding":
			if atServer {
				t.Errorf("%s is not in the server's namespace, but IsAtServer is true", object.Kind.Kind)
			}
		case "Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy", "Certificate",
			"ServiceMonitor":
			if !atServer {
				t.Errorf("%s is in the server's namespace, but IsAtServer is false", object.Kind.Kind)
			}
		}
	}
}
