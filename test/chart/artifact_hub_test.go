// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// metadata is what these tests read of Chart.yaml.
type metadata struct {
	AppVersion  string            `json:"appVersion"`
	Annotations map[string]string `json:"annotations"`
}

func readMetadata(t *testing.T) metadata {
	t.Helper()
	var chart metadata
	if err := yaml.Unmarshal(readFile(t, "charts/extensionapi-operator/Chart.yaml"), &chart); err != nil {
		t.Fatal(err)
	}
	return chart
}

// annotation decodes an annotation of Artifact Hub, all of whose fields must be known.
func annotation[T any](t *testing.T, name string) T {
	t.Helper()
	var value T
	text, found := readMetadata(t).Annotations["artifacthub.io/"+name]
	if !found {
		t.Fatalf("Chart.yaml has no annotation artifacthub.io/%s", name)
	}
	if err := yaml.UnmarshalStrict([]byte(text), &value); err != nil {
		t.Fatalf("artifacthub.io/%s: %v", name, err)
	}
	return value
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The values are those that Artifact Hub accepts: docs/metadata of https://github.com/artifacthub/hub.
func TestArtifactHubAcceptsTheAnnotations(t *testing.T) {
	annotations := readMetadata(t).Annotations
	for name, accepted := range map[string]string{
		"license":              `^Apache-2\.0$`,
		"operator":             `^true$`,
		"operatorCapabilities": `^(Basic Install|Seamless Upgrades|Full Lifecycle|Deep Insights|Auto Pilot)$`,
		"category": `^(ai-machine-learning|database|integration-delivery|monitoring-logging|networking|security|storage|` +
			`streaming-messaging|skip-prediction)$`,
	} {
		if value := annotations["artifacthub.io/"+name]; !regexp.MustCompile(accepted).MatchString(value) {
			t.Errorf("artifacthub.io/%s is %q, want %s", name, value, accepted)
		}
	}
	known := []string{
		"category", "changes", "crds", "crdsExamples", "images", "license", "links", "operator", "operatorCapabilities",
	}
	for name := range annotations {
		if !slices.Contains(known, strings.TrimPrefix(name, "artifacthub.io/")) {
			t.Errorf("no test checks the annotation %s", name)
		}
	}
}

func TestArtifactHubShowsTheChanges(t *testing.T) {
	type change struct {
		Kind        string `json:"kind"`
		Description string `json:"description"`
	}
	changes := annotation[[]change](t, "changes")
	kinds := []string{"added", "changed", "deprecated", "removed", "fixed", "security"}
	for _, c := range changes {
		if !slices.Contains(kinds, c.Kind) || c.Description == "" {
			t.Errorf("the change is %+v, want a description and one of the kinds %q", c, kinds)
		}
	}
	if len(changes) == 0 {
		t.Error("there are no changes")
	}
}

// Links into the repository lead to existing files.
func TestArtifactHubLinksAreValid(t *testing.T) {
	type link struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	const files = "https://github.com/extensionapi/extensionapi-operator/blob/main/"
	links := annotation[[]link](t, "links")
	for _, l := range links {
		if parsed, err := url.Parse(l.URL); err != nil || parsed.Scheme != "https" || l.Name == "" {
			t.Errorf("the link %+v is not valid (%v)", l, err)
		}
		if file, inRepository := strings.CutPrefix(l.URL, files); inRepository {
			readFile(t, file)
		}
	}
	if len(links) == 0 {
		t.Error("there are no links")
	}
}

func TestArtifactHubScansTheImageThatTheChartInstalls(t *testing.T) {
	type image struct {
		Name      string   `json:"name"`
		Image     string   `json:"image"`
		Platforms []string `json:"platforms"`
	}
	var values struct {
		Image struct {
			Repository string `json:"repository"`
		} `json:"image"`
	}
	if err := yaml.Unmarshal(readFile(t, "charts/extensionapi-operator/values.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	installed := values.Image.Repository + ":" + readMetadata(t).AppVersion
	want := []image{{operator, installed, []string{"linux/amd64", "linux/arm64"}}}
	if got := annotation[[]image](t, "images"); !reflect.DeepEqual(got, want) {
		t.Errorf("artifacthub.io/images is %+v, want %+v", got, want)
	}
	if rendered := string(render(t, "helm")); !strings.Contains(rendered, installed) {
		t.Errorf("the chart does not install %s", installed)
	}
}

func TestArtifactHubShowsTheCRD(t *testing.T) {
	type crd struct {
		Kind        string `json:"kind"`
		Version     string `json:"version"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
		Description string `json:"description"`
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(readFile(t, "config/crd/bases/"+crdFile), &definition); err != nil {
		t.Fatal(err)
	}
	var served []crd
	for _, version := range definition.Spec.Versions {
		// The first sentence of the API's own description, without the name that it begins with.
		first, _, _ := strings.Cut(version.Schema.OpenAPIV3Schema.Description, ". ")
		served = append(served, crd{
			Kind: definition.Spec.Names.Kind, Version: version.Name, Name: definition.Name,
			DisplayName: definition.Spec.Names.Kind,
			Description: strings.ReplaceAll(strings.Replace(first, "ExtensionAPI declares an", "An", 1), "\n", " "),
		})
	}
	if got := annotation[[]crd](t, "crds"); !reflect.DeepEqual(got, served) {
		t.Errorf("artifacthub.io/crds is\n%+v\nwant\n%+v", got, served)
	}
}

// The samples are applied to a real kube-apiserver in test/integration.
func TestArtifactHubShowsTheSamples(t *testing.T) {
	var samples []v1alpha1.ExtensionAPI
	for _, file := range []string{"wardle.yaml", "existing-service.yaml"} {
		for manifest := range strings.SplitSeq(string(readFile(t, "config/samples/"+file)), "\n---\n") {
			var sample v1alpha1.ExtensionAPI
			if strings.Contains(manifest, "\nkind: ExtensionAPI\n") {
				if err := yaml.UnmarshalStrict([]byte(manifest), &sample); err != nil {
					t.Fatal(err)
				}
				samples = append(samples, sample)
			}
		}
	}
	if got := annotation[[]v1alpha1.ExtensionAPI](t, "crdsExamples"); !reflect.DeepEqual(got, samples) {
		t.Errorf("artifacthub.io/crdsExamples is\n%s\nwant\n%s", toYAML(t, got), toYAML(t, samples))
	}
}
