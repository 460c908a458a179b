// SPDX-License-Identifier: Apache-2.0

// Site writes the source of the documentation's site for Hugo: the pages of docs, with a title and a place in the menu
// each, and links that lead to pages of the site. The theme is a Go module, whose checksum Go verifies.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// theme has its own search and Mermaid, so that the site requests nothing from elsewhere.
const theme = "github.com/imfing/hextra@v0.9.7"

// published is where files are that are not part of the site.
const published = "https://github.com/extensionapi/extensionapi-operator/blob/main/"

func main() {
	version := flag.String("version", "dev", "version in the title")
	output := flag.String("output", "bin/site-source", "directory to write to")
	flag.Parse()
	if err := write(context.Background(), *version, *output); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(ctx context.Context, version, output string) error {
	themeDirectory, err := download(ctx)
	if err != nil {
		return err
	}
	pages, err := read(".")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(output); err != nil {
		return err
	}
	for path, content := range pages {
		if err := writeFile(filepath.Join(output, "content", path), content); err != nil {
			return err
		}
	}
	settings, err := configuration(version, themeDirectory)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(output, "hugo.json"), settings)
}

// download returns the directory of the theme in Go's module cache.
func download(ctx context.Context) (string, error) {
	var errors bytes.Buffer
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", theme)
	command.Dir = os.TempDir() // in no module, so that no go.mod has to name it
	command.Stderr = &errors
	content, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w: %s%s", theme, err, content, errors.Bytes())
	}
	var module struct{ Dir string }
	err = json.Unmarshal(content, &module)
	return module.Dir, err
}

// configuration is that of Hugo, which accepts JSON.
func configuration(version, themeDirectory string) (string, error) {
	title := "extensionapi-operator " + version
	content, err := json.MarshalIndent(map[string]any{
		"title":        title,
		"languageCode": "en",
		"theme":        filepath.Base(themeDirectory),
		"themesDir":    filepath.Dir(themeDirectory),
		"disableKinds": []string{"taxonomy", "term", "RSS"},
		"markup": map[string]any{
			"goldmark":  map[string]any{"renderer": map[string]any{"unsafe": true}}, // anchors of reasons are HTML
			"highlight": map[string]any{"noClasses": false},
		},
		"menu": map[string]any{"main": []map[string]any{
			{"name": "Search", "weight": 1, "params": map[string]any{"type": "search"}},
			{"name": "GitHub", "weight": 2, "url": strings.TrimSuffix(published, "/blob/main/")},
		}},
		"params": map[string]any{
			"page":   map[string]any{"width": "wide"},
			"navbar": map[string]any{"displayLogo": false, "width": "full"},
			"footer": map[string]any{"displayCopyright": false, "displayPoweredBy": false},
			"search": map[string]any{"enable": true, "type": "flexsearch"},
		},
	}, "", "  ")
	return string(content), err
}

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a web server reads it
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // a web server reads it
}
