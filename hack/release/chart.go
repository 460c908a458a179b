// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// chart packages a copy of the chart, in which the image that Artifact Hub shows is that of the release. Helm takes the
// time of the packaged files from SOURCE_DATE_EPOCH (pkg/cmd/source_date_epoch.go).
func (r release) chart(ctx context.Context) error {
	scratch, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	packaged := filepath.Join(scratch, name)
	if err := errors.Join(os.CopyFS(packaged, os.DirFS(chartDir)), r.setImage(packaged)); err != nil {
		return err
	}
	helm := exec.CommandContext(ctx, filepath.Join(r.tools, "helm"), "package", packaged, //nolint:gosec // the pinned tool
		"--version", number(r.version), "--app-version", r.version, "--destination", r.output)
	helm.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.commit.time.Unix(), 10))
	_, err = run(helm)
	return err
}

// setImage writes the version into Chart.yaml: --app-version does not reach annotations.
func (r release) setImage(chart string) error {
	file := filepath.Join(chart, "Chart.yaml")
	content, err := os.ReadFile(file) //nolint:gosec // a file of the copy
	if err != nil {
		return err
	}
	changed, err := withImageOf(r.version, content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, changed, 0o600) //nolint:gosec // a file of the copy
}

var image = regexp.MustCompile(`\bimage: ` + regexp.QuoteMeta(repository) + `:\S+`)

// withImageOf replaces the tag of the only image of the operator.
func withImageOf(version string, chart []byte) ([]byte, error) {
	if found := image.FindAll(chart, -1); len(found) != 1 {
		return nil, fmt.Errorf("it has the image %s %d times, want once, in artifacthub.io/images", repository, len(found))
	}
	return image.ReplaceAllLiteral(chart, []byte("image: "+repository+":"+version)), nil
}
