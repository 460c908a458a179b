// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"os"
	"strings"
	"testing"
)

func TestInvalidProjectsAreRejected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Project)
		want   string
	}{
		"a name with a dot":        {func(p *Project) { p.Name = "a.b" }, "must be a DNS label"},
		"a long name":              {func(p *Project) { p.Name = strings.Repeat("a", 35) }, "at most 34"},
		"a domain without a dot":   {func(p *Project) { p.Domain = "example" }, "a domain that you own"},
		"a domain of Kubernetes":   {func(p *Project) { p.Domain = "apps.k8s.io" }, "belongs to Kubernetes"},
		"a module with a space":    {func(p *Project) { p.Repo = "a b" }, "path of a Go module"},
		"a module with a new line": {func(p *Project) { p.Repo = "a\nreplace" }, "path of a Go module"},
	} {
		project := Project{Name: "cogs", Domain: "example.com", Repo: "example.com/cogs"}
		test.change(&project)
		if err := project.validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: want an error with %q, got %v", name, test.want, err)
		}
	}
}

func TestInvalidKindsAreRejected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Kind)
		want   string
	}{
		"a group with a dot":         {func(k *Kind) { k.Group = "a.b" }, "must be a DNS label"},
		"a version without a v":      {func(k *Kind) { k.Versions = []string{"1"} }, "must be a version such as v1"},
		"a kind in lower case":       {func(k *Kind) { k.Kind = "sprocket" }, "must be in CamelCase"},
		"a kind of a list":           {func(k *Kind) { k.Kind = "SprocketList" }, "not a list"},
		"a plural in upper case":     {func(k *Kind) { k.Plural = "Sprockets" }, "must be a DNS label"},
		"an unknown storage":         {func(k *Kind) { k.Storage = "disk" }, "must be one of [etcd none custom]"},
		"a controller of no storage": {func(k *Kind) { k.Storage = None }, "cannot have a controller"},
	} {
		kind := sprocket("v1", Etcd)
		test.change(&kind)
		if err := kind.validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: want an error with %q, got %v", name, test.want, err)
		}
	}
}

func TestPluralsAreThoseOfEnglish(t *testing.T) {
	for kind, want := range map[string]string{
		"Sprocket": "sprockets", "Policy": "policies", "Key": "keys", "Box": "boxes", "Branch": "branches",
		"Class": "classes", "Y": "ys",
	} {
		if plural := DefaultPlural(kind); plural != want {
			t.Errorf("%s: %s", kind, plural)
		}
	}
}

func TestNewProjectsBeginWithTheVersionsOfThisRepository(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"../../pkg/go.mod", "../../hack/tools/go.mod"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	assertContains(t, "pkg/go.mod", files["../../pkg/go.mod"], "go "+current.Go+"\n",
		"k8s.io/apiserver "+current.Kubernetes+"\n", "sigs.k8s.io/controller-runtime "+current.ControllerRuntime+"\n")
	assertContains(t, "hack/tools/go.mod", files["../../hack/tools/go.mod"],
		"sigs.k8s.io/controller-tools "+current.ControllerTools, "golangci-lint/v2 "+current.GolangciLint)
}
