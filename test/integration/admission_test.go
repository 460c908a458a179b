// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// patched is a manifest in testdata with a JSON patch.
type patched struct {
	Why   string
	Valid string
	Patch json.RawMessage
	// Message is the expected error, starting with the field.
	Message string
}

func TestInvalidExtensionAPIsAreRejectedWithTheFieldAndAllowedValues(t *testing.T) {
	for _, test := range readCases(t, "refusals.yaml") {
		t.Run(test.Why, func(t *testing.T) {
			t.Parallel()
			err := strictly().Create(ctx, test.object(t), client.DryRunAll)
			if err == nil {
				t.Fatal("the object is accepted")
			}
			expectRefusal(t, err, test.Message)
		})
	}
}

func TestValidExtensionAPIsAreAccepted(t *testing.T) {
	for _, test := range readCases(t, "acceptances.yaml") {
		t.Run(test.Why, func(t *testing.T) {
			t.Parallel()
			if err := strictly().Create(ctx, test.object(t), client.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTemplateLabelsAndAnnotationsAreKept(t *testing.T) {
	test := patched{Valid: "server.yaml", Patch: json.RawMessage(`[{"op": "add", "path": "/spec/server/template/metadata",
		"value": {"labels": {"team": "stock"}, "annotations": {"example.com/scrape": "true"}}}]`)}
	object := test.object(t)
	if err := strictly().Create(ctx, object, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	kept, _, _ := unstructured.NestedString(object.Object, "spec", "server", "template", "metadata", "labels", "team")
	if kept != "stock" {
		t.Errorf("the template's label is %q", kept)
	}
}

func TestOmittedFieldsAreDefaulted(t *testing.T) {
	extensionAPI := served("defaults")
	extensionAPI.Spec.Server.Storage = &v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{}}
	if err := strictly().Create(ctx, extensionAPI, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	server, discovery := extensionAPI.Spec.Server, extensionAPI.Spec.Discovery
	for _, field := range []struct {
		path         string
		found, wants any
	}{
		{"spec.groups[0].groupPriorityMinimum", extensionAPI.Spec.Groups[0].GroupPriorityMinimum, int32(1000)},
		{"spec.server.replicas", *server.Replicas, int32(2)},
		{"spec.server.scaleTarget", server.ScaleTarget, v1alpha1.ScaleTargetExtensionAPI},
		{"spec.server.port", server.Port, int32(8443)},
		{"spec.server.servingFlags", server.ServingFlags, v1alpha1.ServingFlagsInject},
		{"spec.server.securityDefaults", server.SecurityDefaults, v1alpha1.SecurityDefaultsRestricted},
		{"spec.server.outlierEjection", server.OutlierEjection, v1alpha1.PolicyEnabled},
		{"spec.server.maxEjectionPercent", server.MaxEjectionPercent, int32(50)},
		{"spec.server.networkPolicy", server.NetworkPolicy, v1alpha1.PolicyDisabled},
		{"spec.server.serviceMonitor", server.ServiceMonitor, v1alpha1.PolicyDisabled},
		{"spec.server.storage.standalone.size", server.Storage.Standalone.Size.String(), "2Gi"},
		{
			"spec.server.storage.standalone.volumeRetentionPolicy", server.Storage.Standalone.VolumeRetentionPolicy,
			v1alpha1.VolumeRetain,
		},
		{"spec.discovery.limit", discovery.Limit.Duration.String(), "5s"},
		{"spec.discovery.interval", discovery.Interval.Duration.String(), "30s"},
		{"status.observedGeneration", extensionAPI.Status.ObservedGeneration, int64(-1)},
	} {
		if field.found != field.wants {
			t.Errorf("%s defaults to %v, want %v", field.path, field.found, field.wants)
		}
	}
}

func TestServicePortDefaultsTo443(t *testing.T) {
	patch := json.RawMessage(`[{"op": "remove", "path": "/spec/existingService/port"}]`)
	test := patched{Valid: "service.yaml", Patch: patch}
	object := test.object(t)
	if err := strictly().Create(ctx, object, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	if port, _, _ := unstructured.NestedInt64(object.Object, "spec", "existingService", "port"); port != 443 {
		t.Errorf("spec.existingService.port is %d", port)
	}
}

func TestImmutableFieldsCannotBeChanged(t *testing.T) {
	for _, test := range readCases(t, "immutables.yaml") {
		t.Run(test.Why, func(t *testing.T) {
			t.Parallel()
			name := "immutable-" + strings.TrimSuffix(test.Valid, ".yaml")
			existing := patched{Valid: test.Valid}.object(t)
			existing.SetGenerateName(name + "-")
			existing.SetName("")
			if err := strictly().Create(ctx, existing); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { remove(t, existing.GetName()) })
			patch := client.RawPatch("application/json-patch+json", test.Patch)
			err := strictly().Patch(ctx, existing, patch, client.DryRunAll)
			if err == nil {
				t.Fatal("the change is accepted")
			}
			expectRefusal(t, err, test.Message)
		})
	}
}

func expectRefusal(t *testing.T, err error, wanted string) {
	t.Helper()
	message := err.Error()
	if !refusalsShowValues(t) {
		message, wanted = withoutValues(message), withoutValues(wanted)
	}
	if !strings.Contains(message, wanted) {
		t.Errorf("the message is\n\t%s\nwhich lacks\n\t%s", message, wanted)
	}
}

var invalidValue = regexp.MustCompile(`Invalid value: "([^"\\]|\\.)*"(: )?`)

func withoutValues(message string) string {
	return invalidValue.ReplaceAllString(message, "Invalid value: ")
}

// strictly returns a client that rejects unknown fields, like kubectl apply.
func strictly() client.Client {
	return client.WithFieldValidation(plane.client, metav1.FieldValidationStrict)
}

func readCases(t *testing.T, file string) []patched {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var cases []patched
	if err := yaml.UnmarshalStrict(content, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (p patched) object(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join("testdata", p.Valid))
	if err != nil {
		t.Fatal(err)
	}
	content, err := yaml.YAMLToJSON(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if p.Patch != nil {
		patch, err := jsonpatch.DecodePatch(p.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if content, err = patch.Apply(content); err != nil {
			t.Fatal(err)
		}
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(content); err != nil {
		t.Fatal(err)
	}
	return object
}
