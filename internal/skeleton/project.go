// SPDX-License-Identifier: Apache-2.0

// Package skeleton writes the Go module of an extension API server and its controllers: what "kubectl extensionapi
// init" and "create api" create. Templates are rendered in memory, and written only when all of them have been: a
// command that fails leaves the project as it was.
package skeleton

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// projectFile is what remembers which kinds were created.
const projectFile = "PROJECT"

// Project is a project as it is in its PROJECT file.
type Project struct {
	// Layout is the version of the layout of files.
	Layout string `json:"layout"`
	// Name is that of the program, the ExtensionAPI and, with -system, its namespace.
	Name string `json:"name"`
	// Domain is what group names end with.
	Domain string `json:"domain"`
	// Repo is the path of the Go module.
	Repo  string `json:"repo"`
	Kinds []Kind `json:"kinds,omitempty"`
}

const layout = "1"

// Storage is where the objects of a kind are.
type Storage string

// The kinds of storage.
const (
	Etcd   Storage = "etcd"
	None   Storage = "none"
	Custom Storage = "custom"
)

// Storages are all of them.
var Storages = []Storage{Etcd, None, Custom}

// Kind is a kind of an API.
type Kind struct {
	Group  string `json:"group"`
	Kind   string `json:"kind"`
	Plural string `json:"plural"`
	// Versions are in the order of their creation. The first is the hub, the same for all kinds of a group: what is
	// stored, and what the others are converted to and from.
	Versions      []string `json:"versions"`
	Storage       Storage  `json:"storage"`
	ClusterScoped bool     `json:"clusterScoped,omitempty"`
	Controller    bool     `json:"controller,omitempty"`
}

// maxName leaves space for the names that the operator derives from that of an ExtensionAPI.
const maxName = 34

func (p Project) validate() error {
	var problems []error
	if found := validation.IsDNS1035Label(p.Name); len(found) > 0 || len(p.Name) > maxName {
		problems = append(problems, fmt.Errorf("name %q must be a DNS label of at most %d characters: set --name",
			p.Name, maxName))
	}
	if found := validation.IsDNS1123Subdomain(p.Domain); len(found) > 0 || !strings.Contains(p.Domain, ".") {
		problems = append(problems, fmt.Errorf("domain %q must be a domain that you own, such as example.com", p.Domain))
	}
	for _, reserved := range []string{"k8s.io", "kubernetes.io"} {
		if p.Domain == reserved || strings.HasSuffix(p.Domain, "."+reserved) {
			problems = append(problems, fmt.Errorf("domain %q belongs to Kubernetes", p.Domain))
		}
	}
	if !modulePath.MatchString(p.Repo) {
		problems = append(problems, fmt.Errorf("repo %q must be the path of a Go module", p.Repo))
	}
	return errors.Join(problems...)
}

var (
	modulePath = regexp.MustCompile(`^[a-z0-9][-a-zA-Z0-9._~]*(/[-a-zA-Z0-9._~]+)*$`)
	version    = regexp.MustCompile(`^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$`)
	kindName   = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)
)

func (k Kind) validate() error {
	var problems []error
	if found := validation.IsDNS1035Label(k.Group); len(found) > 0 {
		problems = append(problems, fmt.Errorf("group %q must be a DNS label: the domain is added to it", k.Group))
	}
	for _, name := range k.Versions {
		if !version.MatchString(name) {
			problems = append(problems, fmt.Errorf("version %q must be a version such as v1, v1beta1 or v2alpha1", name))
		}
	}
	if !kindName.MatchString(k.Kind) || strings.HasSuffix(k.Kind, "List") {
		problems = append(problems, fmt.Errorf("kind %q must be in CamelCase, such as Sprocket, and not a list", k.Kind))
	}
	if found := validation.IsDNS1035Label(k.Plural); len(found) > 0 {
		problems = append(problems, fmt.Errorf("plural %q must be a DNS label, such as sprockets", k.Plural))
	}
	if !slices.Contains(Storages, k.Storage) {
		problems = append(problems, fmt.Errorf("storage %q must be one of %v", k.Storage, Storages))
	}
	if k.Storage == None && k.Controller {
		problems = append(problems, errors.New("a kind without storage cannot be watched, so it cannot have a controller"))
	}
	return errors.Join(problems...)
}

// groupName is the full name of a group.
func (p Project) groupName(group string) string { return group + "." + p.Domain }

// find returns the index of a kind, or -1.
func (p Project) find(group, kind string) int {
	return slices.IndexFunc(p.Kinds, func(k Kind) bool { return k.Group == group && k.Kind == kind })
}

// fits returns an error if a kind cannot be beside the others.
func (p Project) fits(kind Kind) error {
	for _, other := range p.Kinds {
		if other.Group != kind.Group && packageOf(other.Group) == packageOf(kind.Group) {
			return fmt.Errorf("groups %s and %s would have the same Go package, %s", other.Group, kind.Group,
				packageOf(kind.Group))
		}
	}
	return p.startsWithHub(kind)
}

// startsWithHub returns an error if the first version of a kind is not the hub of its group: one version is what all
// kinds of a group are stored in, since conversion-gen converts between packages.
func (p Project) startsWithHub(kind Kind) error {
	for _, other := range p.Kinds {
		if other.Group == kind.Group && other.Versions[0] != kind.Versions[0] {
			return fmt.Errorf("kinds of group %s are stored in %s: create %s in that version first", kind.Group,
				other.Versions[0], kind.Kind)
		}
	}
	return nil
}

// Load reads the project in a directory.
func Load(dir string) (Project, error) {
	content, err := os.ReadFile(filepath.Join(dir, projectFile)) //nolint:gosec // the user's own project
	if errors.Is(err, os.ErrNotExist) {
		return Project{}, fmt.Errorf("there is no file %s here: run 'kubectl extensionapi init' first", projectFile)
	}
	if err != nil {
		return Project{}, err
	}
	var project Project
	if err := yaml.UnmarshalStrict(content, &project); err != nil {
		return Project{}, fmt.Errorf("%s: %w", projectFile, err)
	}
	if project.Layout != layout {
		return Project{}, fmt.Errorf("%s has layout %q, and this version of the plugin knows %q", projectFile,
			project.Layout, layout)
	}
	return project, project.validate()
}

func (p Project) file() (file, error) {
	content, err := yaml.Marshal(p)
	header := "# Written by kubectl extensionapi, which reads it to create further APIs.\n"
	return file{projectFile, append([]byte(header), content...)}, err
}

// DefaultName is the name of a project in a directory.
func DefaultName(dir string) string { return strings.ToLower(filepath.Base(dir)) }
