// SPDX-License-Identifier: Apache-2.0

// Package skeleton tests a project that the kubectl plugin has written: it is generated, linted, tested and served as
// the project of a user is.
package skeleton

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/skeleton"
)

const repository = "../.."

// TestProject is of two kinds in two groups with two versions, and one kind that is computed.
func TestProject(t *testing.T) {
	dir := t.TempDir()
	write(t, dir)
	run(t, dir, "make", "generate")
	generated := sums(t, dir)
	run(t, dir, "make", "generate")
	if again := sums(t, dir); !maps.Equal(generated, again) {
		t.Errorf("make generate changes what it has generated: %v", changed(generated, again))
	}
	if err := os.CopyFS(filepath.Join(dir, "internal/features"), os.DirFS("testdata/features")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "vet", "./...")
	lint(t, dir)
	t.Setenv("CLUSTER_KUBECONFIG", clusterWithPolicy(t))
	run(t, dir, "make", "test")
}

// write writes the project.
func write(t *testing.T, dir string) {
	t.Helper()
	library, err := filepath.Abs(filepath.Join(repository, "pkg"))
	if err != nil {
		t.Fatal(err)
	}
	project := skeleton.Project{Name: "cogs", Domain: "example.com", Repo: "example.com/cogs"}
	options := skeleton.InitOptions{Library: "v0.0.0", LibraryDir: library}
	if _, err := skeleton.Init(dir, project, options); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []skeleton.Kind{
		newKind("gears", "v1", "Sprocket", skeleton.Etcd), newKind("gears", "v1", "Clock", skeleton.None),
		newKind("billing", "v1beta1", "Invoice", skeleton.Custom),
		newKind("gears", "v1beta1", "Sprocket", skeleton.Etcd), newKind("billing", "v1", "Invoice", skeleton.Custom),
	} {
		project, err := skeleton.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := skeleton.Create(dir, project, kind); err != nil {
			t.Fatal(err)
		}
	}
}

func newKind(group, version, kind string, storage skeleton.Storage) skeleton.Kind {
	return skeleton.Kind{
		Group: group, Kind: kind, Plural: skeleton.DefaultPlural(kind), Versions: []string{version}, Storage: storage,
		Controller: storage != skeleton.None,
	}
}

// run runs a program in the project.
func run(t *testing.T, dir, program string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command.Args, err, output)
	}
}

// lint runs the linter of this repository with the settings of the project.
func lint(t *testing.T, dir string) {
	t.Helper()
	linter, err := filepath.Abs(filepath.Join(repository, "bin/tools/golangci-lint"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(linter); err != nil {
		t.Fatalf("%v: run 'make bin/tools/golangci-lint'", err)
	}
	// Its lock is there: another linter on this machine holds up nothing.
	t.Setenv("TMPDIR", t.TempDir())
	run(t, dir, "make", "lint", "GOLANGCI_LINT="+linter)
	run(t, dir, linter, "fmt", "--diff")
}

// sums are the checksums of all files.
func sums(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	result := map[string][sha256.Size]byte{}
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		result[path] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func changed(before, after map[string][sha256.Size]byte) []string {
	var paths []string
	for path, sum := range after {
		if before[path] != sum {
			paths = append(paths, path)
		}
	}
	return paths
}
