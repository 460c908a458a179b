// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// objectRef is a reference to an object.
type objectRef struct {
	groupVersion, kind, namespace, name string
}

func (r objectRef) object() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(r.groupVersion)
	object.SetKind(r.kind)
	object.SetNamespace(r.namespace)
	object.SetName(r.name)
	return object
}

func (r objectRef) read(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	object := r.object()
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// drift is a change of an owned object by another client, as a JSON patch; empty for its deletion.
type drift struct {
	why, patch string
}

const rbac = "rbac.authorization.k8s.io/v1"

func TestDriftOfServerObjectsIsCorrected(t *testing.T) {
	t.Parallel()
	subjects := []drift{
		{"loses its subject", `[{"op": "remove", "path": "/subjects"}]`},
		{"gets another subject", `[{"op": "add", "path": "/subjects/-",
			"value": {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}}]`},
	}
	marks := []drift{
		{"loses its annotations", `[{"op": "remove", "path": "/metadata/annotations"}]`},
		{"loses every mark", `[{"op": "remove", "path": "/metadata/labels"},
			{"op": "remove", "path": "/metadata/annotations"}]`},
	}
	for name, test := range map[string]struct {
		objectRef
		drifts []drift
	}{
		"drift-account": {objectRef{"v1", "ServiceAccount", "drift-account", "drift-account"}, nil},
		"drift-subject": {objectRef{rbac, "ClusterRoleBinding", "", manifests.AuthDelegatorName("drift-subject")}, subjects},
		"drift-server":  {objectRef{rbac, "ClusterRoleBinding", "", manifests.ServerBindingName("drift-server")}, subjects},
		"drift-read":    {objectRef{rbac, "RoleBinding", "kube-system", manifests.AuthReaderName("drift-read")}, subjects},
		"drift-service": {objectRef{"v1", "Service", "drift-service", "drift-service"}, []drift{
			{"selects other Pods", `[{"op": "replace", "path": "/spec/selector", "value": {"app": "other"}}]`},
			{"selects fewer Pods", `[{"op": "add", "path": "/spec/selector/app", "value": "other"}]`},
			{"targets another port", `[{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1}]`},
			{"names another host", `[{"op": "replace", "path": "/spec/type", "value": "ExternalName"},
				{"op": "add", "path": "/spec/externalName", "value": "example.com"}]`},
		}},
		"drift-budget": {objectRef{"policy/v1", "PodDisruptionBudget", "drift-budget", "drift-budget"}, []drift{
			{"allows no disruption", `[{"op": "replace", "path": "/spec/maxUnavailable", "value": 0}]`},
			{"uses minAvailable", `[{"op": "remove", "path": "/spec/maxUnavailable"},
				{"op": "add", "path": "/spec/minAvailable", "value": 2}]`},
		}},
		"drift-deployment": {objectRef{"apps/v1", "Deployment", "drift-deployment", "drift-deployment"}, []drift{
			{"is scaled", `[{"op": "replace", "path": "/spec/replicas", "value": 0}]`},
			{"gets another image", `[{"op": "replace",
				"path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/other"}]`},
			{"gets strategy Recreate", `[{"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}}]`},
			{"loses its certificate", `[{"op": "remove", "path": "/spec/template/spec/containers/0/volumeMounts"}]`},
		}},
	} {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			t.Parallel()
			startRollout(t, name)
			expectRepaired(t, test.objectRef, append(marks, test.drifts...)...)
			awaitRollout(t, name)
		})
	}
}

func TestDriftOfAPIServicesIsCorrected(t *testing.T) {
	t.Parallel()
	const name = "drift-registered"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	expectRepaired(t, objectRef{"apiregistration.k8s.io/v1", "APIService", "", "v1." + name + ".example.com"},
		drift{"gets another priority", `[{"op": "replace", "path": "/spec/groupPriorityMinimum", "value": 1}]`},
		drift{"targets another server", `[{"op": "replace", "path": "/spec/service/name", "value": "other"}]`},
		drift{"loses its CA bundle", `[{"op": "remove", "path": "/spec/caBundle"}]`},
		drift{"becomes local", `[{"op": "remove", "path": "/spec/service"},
			{"op": "remove", "path": "/spec/caBundle"}]`},
		drift{"skips TLS verification", `[{"op": "remove", "path": "/spec/caBundle"},
			{"op": "add", "path": "/spec/insecureSkipTLSVerify", "value": true}]`},
	)
	awaitRegistered(t, name)
}

// expectRepaired applies to the object drifts that are common to all kinds, and further ones, and waits until it is
// restored after each.
func expectRepaired(t *testing.T, ref objectRef, further ...drift) {
	t.Helper()
	before := essence(t, ref.read(t))
	all := append([]drift{
		{"is deleted", ""},
		{"loses its labels", `[{"op": "remove", "path": "/metadata/labels"}]`},
	}, further...)
	for _, drift := range all {
		t.Run(drift.why, func(t *testing.T) {
			drift.do(t, ref)
			eventually(t, func() error {
				object := ref.object()
				if err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
					return err
				}
				if after := essence(t, object); !reflect.DeepEqual(before, after) {
					return fmt.Errorf("it is\n%s\nand was\n%s", toJSON(t, after), toJSON(t, before))
				}
				return nil
			})
		})
	}
}

func (d drift) do(t *testing.T, ref objectRef) {
	t.Helper()
	object, err := ref.object(), error(nil)
	if d.patch == "" {
		err = plane.client.Delete(ctx, object)
	} else {
		patch := client.RawPatch("application/json-patch+json", []byte(d.patch))
		err = plane.client.Patch(ctx, object, patch, client.FieldOwner(otherManager))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// essence returns an object without the fields that the cluster sets.
func essence(t *testing.T, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	content := object.DeepCopy().Object
	delete(content, "status")
	content["metadata"] = map[string]any{"labels": object.GetLabels(), "annotations": object.GetAnnotations()}
	// A Service that had an externalName keeps it without effect.
	for _, field := range []string{"clusterIP", "clusterIPs", "externalName"} {
		unstructured.RemoveNestedField(content, "spec", field)
	}
	return content
}

func toJSON(t *testing.T, content any) string {
	t.Helper()
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
