// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates
var embedded embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(embedded, "templates/*/*.tmpl"))

// file is a file of a project, by its path with slashes.
type file struct {
	path    string
	content []byte
}

// rendered returns the file of a template. Go files are formatted.
func rendered(path, name string, data any) (file, error) {
	var content bytes.Buffer
	if err := templates.ExecuteTemplate(&content, name+".tmpl", data); err != nil {
		return file{}, err
	}
	return formatted(path, content.Bytes())
}

func formatted(path string, content []byte) (file, error) {
	if !strings.HasSuffix(path, ".go") {
		return file{path, content}, nil
	}
	source, err := format.Source(content)
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	return file{path, source}, nil
}

// template is a file and the name of its template.
type source struct{ path, template string }

func renderAll(sources []source, data any) ([]file, error) {
	var files []file
	var problems []error
	for _, from := range sources {
		result, err := rendered(from.path, from.template, data)
		files, problems = append(files, result), append(problems, err)
	}
	return files, errors.Join(problems...)
}

// write writes new files, which must not exist, and replaces changed ones.
func write(dir string, created, changed []file) error {
	for _, file := range created {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file.path))); err == nil {
			return fmt.Errorf("%s exists already", file.path)
		}
	}
	for _, file := range append(created, changed...) {
		path := filepath.Join(dir, filepath.FromSlash(file.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // source code is no secret
			return err
		}
		if err := os.WriteFile(path, file.content, 0o644); err != nil { //nolint:gosec // source code is no secret
			return err
		}
	}
	return nil
}
