// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"path"
)

// InitOptions are what a project begins with besides itself.
type InitOptions struct {
	// Library is the version of the library that the project imports, and LibraryDir a directory that replaces it, for
	// development.
	Library, LibraryDir string
}

// initData is what the templates of a project use.
type initData struct {
	Project
	InitOptions
	Versions versions
	Image    string
}

// image is the image of a project until it is pushed to a registry.
func (p Project) image() string { return path.Join(p.Domain, p.Name) + ":dev" }

// Init writes a project without an API, and returns the files.
func Init(dir string, project Project, options InitOptions) ([]string, error) {
	project.Layout = layout
	if err := project.validate(); err != nil {
		return nil, err
	}
	files, err := renderAll([]source{
		{"main.go", "main.go"},
		{"go.mod", "go.mod"},
		{"Makefile", "Makefile"},
		{"README.md", "README.md"},
		{".golangci.yml", "golangci.yml"},
		{".gitignore", "gitignore"},
		{"hack/boilerplate.go.txt", "boilerplate.go.txt"},
		{"internal/openapi/openapi.go", "openapi.go"},
		{manifestFile, "extensionapi.yaml"},
	}, initData{project, options, current, project.image()})
	if err != nil {
		return nil, err
	}
	own, err := project.file()
	if err != nil {
		return nil, err
	}
	files = append(files, own)
	return paths(files), write(dir, files, nil)
}

func paths(files []file) []string {
	var names []string
	for _, file := range files {
		names = append(names, file.path)
	}
	return names
}
