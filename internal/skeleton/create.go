// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kindData is what the templates of a kind use.
type kindData struct {
	Name, Repo, Image         string
	Kind, Plural              string
	Storage                   Storage
	ClusterScoped, Controller bool
	// Version is the one that is created, and Hub the first one of the kind.
	Version, Hub string
	GroupName    string
	// Package is the group as the name of a Go package, and ModelPackage the prefix of its names in OpenAPI.
	Package, ModelPackage string
	Singular              string
	// Title is the version in the name of a function.
	Title string
	// Var is a variable for an object.
	Var string
}

func newData(project Project, kind Kind, version string) kindData {
	data := kindData{
		Name: project.Name, Repo: project.Repo, Image: project.image(),
		Kind: kind.Kind, Plural: kind.Plural, Storage: kind.Storage,
		ClusterScoped: kind.ClusterScoped, Controller: kind.Controller,
		Version: version, Hub: kind.Versions[0],
		GroupName: project.groupName(kind.Group), Package: packageOf(kind.Group),
		Singular: strings.ToLower(kind.Kind), Title: strings.ToUpper(version[:1]) + version[1:], Var: "object",
	}
	labels := strings.Split(data.GroupName, ".")
	slices.Reverse(labels)
	data.ModelPackage = strings.ReplaceAll(strings.Join(append(labels, version), "."), "-", "_")
	return data
}

// packageOf is a group as the name of a Go package.
func packageOf(group string) string { return strings.ReplaceAll(group, "-", "") }

// DefaultPlural returns the plural of a kind by the rules of English.
func DefaultPlural(kind string) string {
	name := strings.ToLower(kind)
	switch last := name[max(0, len(name)-2):]; {
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), last == "ch", last == "sh":
		return name + "es"
	case len(name) > 1 && strings.HasSuffix(name, "y") && !strings.ContainsAny(last[:1], "aeiou"):
		return strings.TrimSuffix(name, "y") + "ies"
	default:
		return name + "s"
	}
}

// Create adds a kind, or a version of a kind that exists, and returns the files that were created and changed.
func Create(dir string, project Project, kind Kind) (created, changed []string, err error) {
	index := project.find(kind.Group, kind.Kind)
	version := kind.Versions[0]
	if index >= 0 {
		existing := project.Kinds[index]
		if slices.Contains(existing.Versions, version) {
			return nil, nil, fmt.Errorf("%s %s exists already", existing.Kind, version)
		}
		kind = existing
		kind.Versions = append(slices.Clone(existing.Versions), version)
	}
	if err := errors.Join(kind.validate(), project.fits(kind)); err != nil {
		return nil, nil, err
	}
	c := creation{dir: dir, project: project, kind: kind, data: newData(project, kind, version), isNewKind: index < 0}
	if c.isNewKind {
		project.Kinds = append(slices.Clone(project.Kinds), kind)
	} else {
		project.Kinds = slices.Clone(project.Kinds)
		project.Kinds[index] = kind
	}
	c.after = project
	newFiles, changedFiles, err := c.files()
	if err != nil {
		return nil, nil, err
	}
	return paths(newFiles), paths(changedFiles), write(dir, newFiles, changedFiles)
}

// creation is the creation of a version of a kind.
type creation struct {
	dir            string
	project, after Project
	kind           Kind
	data           kindData
	isNewKind      bool
}

func (c creation) files() (created, changed []file, err error) {
	created, err = renderAll(c.newSources(), c.data)
	if err != nil {
		return nil, nil, err
	}
	if !c.isNewKind {
		types, err := c.typesOfHub()
		if err != nil {
			return nil, nil, err
		}
		created = append(created, types)
	}
	program, err := c.read("main.go")
	if err != nil {
		return nil, nil, err
	}
	inserted, err := insertAll(string(program.content), c.insertions())
	if err != nil {
		return nil, nil, err
	}
	program, err = formatted("main.go", []byte(inserted))
	if err != nil {
		return nil, nil, err
	}
	manifest, err := c.read(manifestFile)
	if err != nil {
		return nil, nil, err
	}
	manifest.content, err = c.declare(manifest.content)
	if err != nil {
		return nil, nil, err
	}
	own, err := c.after.file()
	return created, []file{program, manifest, own}, err
}

func (c creation) read(path string) (file, error) {
	content, err := os.ReadFile(filepath.Join(c.dir, path)) //nolint:gosec // the user's own project
	return file{path, content}, err
}

// newSources are the files that do not exist yet.
func (c creation) newSources() []source {
	sources := c.versionSources()
	if !c.isNewKind {
		return sources
	}
	template, registry := c.template(), c.registry()
	sources = append(sources,
		source{c.typesFile(c.data.Version), template + "_types.go"},
		source{registry + ".go", template + "_registry.go"},
		source{registry + "_test.go", template + "_registry_test.go"},
		source{"config/rbac/" + c.data.Package + "_" + c.data.Singular + "_users.yaml", "users.yaml"},
	)
	if c.kind.Controller {
		sources = append(sources, c.controllerSources()...)
	}
	return sources
}

// template is what the names of the templates for the kind's storage begin with.
func (c creation) template() string {
	if c.kind.Storage == None {
		return "computed"
	}
	return "stored"
}

// registry is what the names of the files begin with that serve the kind.
func (c creation) registry() string {
	return "internal/registry/" + c.data.Package + "/" + c.data.Singular
}

// versionSources are the files of a version.
func (c creation) versionSources() []source {
	var sources []source
	if doc := "apis/" + c.data.Package + "/" + c.data.Version + "/doc.go"; !c.exists(doc) {
		sources = append(sources, source{doc, "doc.go"})
	}
	if c.kind.Storage != None {
		sample := strings.Join([]string{c.data.Package, c.data.Version, c.data.Singular}, "_")
		sources = append(sources, source{"config/samples/" + sample + ".yaml", "sample.yaml"})
	}
	if !c.isNewKind {
		test := c.registry() + "_" + c.data.Version + "_test.go"
		sources = append(sources, source{test, c.template() + "_conversion_test.go"})
	}
	return sources
}

func (c creation) controllerSources() []source {
	controller := "controllers/" + c.data.Package + "/" + c.data.Singular + "_controller"
	sources := []source{{controller + ".go", "controller.go"}, {controller + "_test.go", "controller_test.go"}}
	if binding := "config/rbac/role_binding.yaml"; !c.exists(binding) {
		sources = append(sources, source{binding, "role_binding.yaml"})
	}
	return sources
}

func (c creation) typesFile(version string) string {
	return "apis/" + c.data.Package + "/" + version + "/" + c.data.Singular + "_types.go"
}

func (c creation) exists(path string) bool {
	_, err := os.Stat(filepath.Join(c.dir, path))
	return err == nil
}

// typesOfHub returns the types of a new version: a copy of the hub's, so that conversion-gen can convert between them
// until they are changed.
func (c creation) typesOfHub() (file, error) {
	hub, err := c.read(c.typesFile(c.data.Hub))
	if err != nil {
		return file{}, err
	}
	clause := []byte("package " + c.data.Hub + "\n")
	if !bytes.Contains(hub.content, clause) {
		return file{}, fmt.Errorf("%s is not in %q", hub.path, bytes.TrimSpace(clause))
	}
	content := bytes.Replace(hub.content, clause, []byte("package "+c.data.Version+"\n"), 1)
	return file{c.typesFile(c.data.Version), content}, nil
}
