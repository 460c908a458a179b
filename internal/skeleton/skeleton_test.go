// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newProject returns the directory of a project with kinds.
func newProject(t *testing.T, kinds ...Kind) string {
	t.Helper()
	dir := t.TempDir()
	project := Project{Name: "cogs", Domain: "example.com", Repo: "example.com/cogs"}
	if _, err := Init(dir, project, InitOptions{Library: "v0.1.0"}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		add(t, dir, kind)
	}
	return dir
}

func add(t *testing.T, dir string, kind Kind) {
	t.Helper()
	if err := create(dir, kind); err != nil {
		t.Fatal(err)
	}
}

func create(dir string, kind Kind) error {
	project, err := Load(dir)
	if err != nil {
		return err
	}
	_, _, err = Create(dir, project, kind)
	return err
}

func sprocket(version string, storage Storage) Kind {
	return Kind{
		Group: "gears", Kind: "Sprocket", Plural: "sprockets", Versions: []string{version}, Storage: storage,
		Controller: storage != None,
	}
}

// contents are the files of a directory by their path.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFilesThatAreWrittenByHandAreShort(t *testing.T) {
	const limit = 300
	for _, storage := range Storages {
		lines, _ := handWritten(t, storage)
		t.Logf("%d lines of Go for a kind with storage %s", lines, storage)
		if lines >= limit {
			t.Errorf("a kind with storage %s takes %d lines of Go", storage, lines)
		}
	}
}

// handWritten counts the lines and files of Go of a project with one kind.
func handWritten(t *testing.T, storage Storage) (lines, files int) {
	t.Helper()
	for name, content := range contents(t, newProject(t, sprocket("v1", storage))) {
		if strings.HasSuffix(name, ".go") {
			lines, files = lines+strings.Count(content, "\n"), files+1
		}
	}
	return lines, files
}

func TestLinesAreDocumented(t *testing.T) {
	const page = "../../docs/ten-minutes.md"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines, files := handWritten(t, Etcd)
	assertContains(t, page, string(content), fmt.Sprintf("%d lines of Go in %d files", lines, files))
}

// A startup probe would end a process that waits for its API for longer than it allows.
func TestControllersMayWaitForTheirAPIWithoutLimit(t *testing.T) {
	manifest := contents(t, newProject(t, sprocket("v1", Etcd)))[manifestFile]
	assertContains(t, manifestFile, strings.Join(strings.Fields(manifest), " "),
		"livenessProbe: httpGet: {path: /healthz, port: health}", "readinessProbe: httpGet: {path: /readyz, port: health}")
	if strings.Contains(manifest, "startupProbe") {
		t.Errorf("%s has a startup probe", manifestFile)
	}
}

func TestFurtherKindsAndVersionsKeepWhatTheUserChanged(t *testing.T) {
	dir := newProject(t, sprocket("v1", Etcd))
	edited := map[string]string{}
	for name, content := range contents(t, dir) {
		comment := "# mine"
		if strings.HasSuffix(name, ".go") {
			comment = "// mine"
		}
		edited[name] = content + comment + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(edited[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add(t, dir, sprocket("v1beta1", Etcd))
	add(t, dir, Kind{Group: "billing", Kind: "Invoice", Plural: "invoices", Versions: []string{"v1"}, Storage: Custom})
	after := contents(t, dir)
	for name, content := range edited {
		switch name {
		case "PROJECT": // it is the plugin's own
		case "main.go", manifestFile:
			assertContains(t, name, after[name], "mine", "v1beta1")
		default:
			if after[name] != content {
				t.Errorf("%s was changed to\n%s", name, after[name])
			}
		}
	}
}

func assertContains(t *testing.T, name, content string, wanted ...string) {
	t.Helper()
	for _, text := range wanted {
		if !strings.Contains(content, text) {
			t.Errorf("%s has no %q:\n%s", name, text, content)
		}
	}
}

func TestNothingIsWrittenByACommandThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		before func(dir string) error
		kind   Kind
		want   string
	}{
		"a version that exists": {
			kind: sprocket("v1", Etcd), want: "Sprocket v1 exists already",
		},
		"a file that exists": {
			before: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "config/samples/gears_v2_sprocket.yaml"), nil, 0o600)
			},
			kind: sprocket("v2", Etcd), want: "gears_v2_sprocket.yaml exists already",
		},
		"main.go without markers": {
			before: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600)
			},
			kind: sprocket("v2", Etcd), want: `main.go has no line "// +extensionapi:scaffold:imports"`,
		},
		"a manifest without an ExtensionAPI": {
			before: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, manifestFile), []byte("kind: Namespace\n"), 0o600)
			},
			kind: sprocket("v2", Etcd), want: "has no ExtensionAPI",
		},
		"another version to store than that of the group": {
			kind: Kind{Group: "gears", Kind: "Tooth", Plural: "teeth", Versions: []string{"v2"}, Storage: Etcd},
			want: "kinds of group gears are stored in v1: create Tooth in that version first",
		},
		"the Go package of another group": {
			kind: Kind{Group: "ge-ars", Kind: "Tooth", Plural: "teeth", Versions: []string{"v1"}, Storage: Etcd},
			want: "groups gears and ge-ars would have the same Go package, gears",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, sprocket("v1", Etcd))
			if test.before != nil {
				if err := test.before(dir); err != nil {
					t.Fatal(err)
				}
			}
			before := contents(t, dir)
			if err := create(dir, test.kind); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want an error with %q, got %v", test.want, err)
			}
			after := contents(t, dir)
			for path := range after {
				if before[path] != after[path] {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
}

func TestInitDoesNotReplaceAProject(t *testing.T) {
	dir := newProject(t)
	project := Project{Name: "other", Domain: "example.com", Repo: "example.com/other"}
	if _, err := Init(dir, project, InitOptions{}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second init: %v", err)
	}
}

func TestVersionsOfTheManifestAreInTheOrderOfPreference(t *testing.T) {
	dir := newProject(t, sprocket("v1beta1", Etcd), sprocket("v2alpha1", Etcd), sprocket("v1", Etcd))
	content := contents(t, dir)[manifestFile]
	last := -1
	for _, version := range []string{"name: v1\n", "name: v1beta1\n", "name: v2alpha1\n"} {
		at := strings.Index(content, version)
		if at < last {
			t.Errorf("%q is not in its place:\n%s", version, content)
		}
		last = at
	}
	if bytes.Count([]byte(content), []byte("standalone:")) != 1 {
		t.Errorf("want one storage:\n%s", content)
	}
}
