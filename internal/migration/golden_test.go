// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/test/golden"
)

// TestGolden compares the manifests for what runs in testdata/NAME.yaml. `go test ./internal/migration -update` writes
// them.
func TestGolden(t *testing.T) {
	for name, options := range map[string]Options{
		"metrics-server": {Policy: v1alpha1.AdoptionDryRun},
		"with-secret":    {Policy: v1alpha1.AdoptionAdopt, Name: "store"},
		"external":       {Policy: v1alpha1.AdoptionDryRun},
		"unreadable":     {Policy: v1alpha1.AdoptionDryRun},
	} {
		t.Run(name, func(t *testing.T) {
			running := load(t, name+".yaml")
			if name == "unreadable" {
				running.Unread = []string{"the Service: \x1b[31mforbidden\nkind: ClusterRoleBinding"}
			}
			manifest, err := Of(running, options)
			if err != nil {
				t.Fatal(err)
			}
			got, err := manifest.YAML()
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".golden.yaml", got)
		})
	}
}

func TestAServerCanBeRegisteredAsItIs(t *testing.T) {
	manifest, err := Of(load(t, "metrics-server.yaml"), Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	service := manifest.ExtensionAPI.Spec.ExistingService
	if manifest.ExtensionAPI.Spec.Server != nil || service == nil || service.Name != "metrics-server" ||
		service.Port != 443 {
		t.Errorf("got %+v", manifest.ExtensionAPI.Spec)
	}
	if len(manifest.Missing) != 1 || !strings.Contains(manifest.Missing[0], "spec.existingService.caBundle") {
		t.Errorf("missing are %q", manifest.Missing)
	}
}

func TestAnImportedExtensionAPIChangesNoPriorities(t *testing.T) {
	running := load(t, "metrics-server.yaml")
	manifest, err := Of(running, Options{Policy: v1alpha1.AdoptionDryRun})
	if err != nil {
		t.Fatal(err)
	}
	changes := ChangesOf(manifest.ExtensionAPI, []apiregistrationv1.APIService{*running.APIServices[0]})
	if len(changes) != 1 || !changes[0].Exists {
		t.Fatalf("got %+v", changes)
	}
	changed := map[string]string{}
	for _, field := range changes[0].Fields {
		changed[field.Field] = *field.To
	}
	for field, want := range map[string]string{
		"spec.service":               "kube-system/metrics:443",
		"spec.insecureSkipTLSVerify": "false",
		"spec.caBundle":              caToBeIssued,
		"metadata.annotations[aggregation.extensionapi.dev/uid]": uidToBeStored,
	} {
		if changed[field] != want {
			t.Errorf("%s becomes %q, want %q", field, changed[field], want)
		}
	}
	for _, field := range []string{"spec.groupPriorityMinimum", "spec.versionPriority"} {
		if to, found := changed[field]; found {
			t.Errorf("%s becomes %s", field, to)
		}
	}
}

func TestAnAPIServiceThatDoesNotExistIsCreated(t *testing.T) {
	manifest, err := Of(load(t, "external.yaml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if changes := ChangesOf(manifest.ExtensionAPI, nil); len(changes) != 1 || changes[0].Exists {
		t.Errorf("got %+v", changes)
	}
}

// load reads what runs.
func load(t *testing.T, file string) Running {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(kinds.Scheme()).UniversalDeserializer()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var running Running
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return running
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		add(t, &running, object)
	}
}

func add(t *testing.T, running *Running, object runtime.Object) {
	t.Helper()
	switch object := object.(type) {
	case *apiregistrationv1.APIService:
		running.APIServices = append(running.APIServices, object)
	case *corev1.Service:
		running.Service = object
	case *appsv1.Deployment:
		running.Deployments = append(running.Deployments, *object)
	case *rbacv1.ClusterRoleBinding:
		running.ClusterRoleBindings = append(running.ClusterRoleBindings, *object)
	case *rbacv1.RoleBinding:
		running.RoleBindings = append(running.RoleBindings, *object)
	default:
		t.Fatalf("unexpected %T", object)
	}
}
