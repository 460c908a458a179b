// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

const root = "../.."

// The test runs the Dockerfile without Docker: it copies what .dockerignore includes to another directory, and executes
// the RUN lines there. The image itself contains only the program.
func TestDockerfileBuildsTheProgramOfARelease(t *testing.T) {
	elsewhere := t.TempDir()
	copyContext(t, elsewhere)
	release := filepath.Join(t.TempDir(), name)
	var builds errgroup.Group
	builds.Go(func() error { return shell(t, elsewhere, strings.Join(instructions(t, "RUN"), "\n")) })
	builds.Go(func() error { return shell(t, root, "hack/build.sh "+release) })
	if err := builds.Wait(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, filepath.Join(elsewhere, name)), read(t, release)) {
		t.Error("the Dockerfile and make build different programs")
	}
}

func TestDockerfileUsesTheGoVersionOfReleases(t *testing.T) {
	_, after, _ := strings.Cut(string(read(t, filepath.Join(root, "go.mod"))), "\ntoolchain go")
	version, _, _ := strings.Cut(after, "\n")
	from := instructions(t, "FROM")
	if want := "--platform=$BUILDPLATFORM golang:" + version + " AS build"; from[0] != want {
		t.Errorf("the Dockerfile builds FROM %s, but go.mod requires FROM %s", from[0], want)
	}
}

func TestDockerfileImageContainsOnlyTheProgram(t *testing.T) {
	_, image, _ := strings.Cut(string(read(t, filepath.Join(root, "Dockerfile"))), "\nFROM scratch\n")
	want := `COPY --from=build /src/extensionapi-operator /extensionapi-operator
USER 65532:65532
ENTRYPOINT ["/extensionapi-operator"]
`
	if image != want {
		t.Errorf("the image is built by\n%s\nwant\n%s", image, want)
	}
}

// instructions returns the arguments of the Dockerfile's lines that begin with a keyword.
func instructions(t *testing.T, word string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(string(read(t, filepath.Join(root, "Dockerfile")))) {
		if arguments, ok := strings.CutPrefix(line, word+" "); ok {
			found = append(found, strings.TrimSpace(arguments))
		}
	}
	return found
}

// copyContext copies Docker's build context. It supports the patterns in .dockerignore: "!path" includes a file or a
// directory, and a later "**/name" excludes a name everywhere.
func copyContext(t *testing.T, to string) {
	t.Helper()
	var taken, left []string
	for line := range strings.Lines(string(read(t, filepath.Join(root, ".dockerignore")))) {
		line = strings.TrimSpace(line)
		if path, ok := strings.CutPrefix(line, "!"); ok {
			taken = append(taken, path)
		}
		if pattern, ok := strings.CutPrefix(line, "**/"); ok {
			left = append(left, pattern)
		}
	}
	for _, path := range taken {
		if err := copyTree(filepath.Join(root, path), filepath.Join(to, path), left); err != nil {
			t.Fatal(err)
		}
	}
}

func copyTree(from, to string, left []string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		isLeft := slices.ContainsFunc(left, func(pattern string) bool {
			matches, _ := filepath.Match(pattern, entry.Name())
			return matches
		})
		switch {
		case err != nil:
			return err
		case isLeft && entry.IsDir():
			return filepath.SkipDir
		case isLeft, entry.IsDir():
			return nil
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyFile(path, filepath.Join(to, relative))
	})
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, content, 0o700))
}

// shell runs a script in the same way as Docker, for this machine's architecture and a fixed version.
func shell(t *testing.T, dir, script string) error {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/bin/sh", "-euc", script)
	command.Dir = dir
	command.Env = append(os.Environ(), "VERSION=v0.1.0", "COMMIT=1a1c16a", "TARGETARCH="+runtime.GOARCH)
	_, err := run(command)
	return err
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
