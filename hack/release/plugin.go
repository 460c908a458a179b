// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	pluginName    = "kubectl-extensionapi"
	pluginPackage = "./cmd/" + pluginName
	license       = "LICENSE"
)

// platform is an operating system and an architecture, as Go and krew name them.
type platform struct{ os, architecture string }

// pluginSystems are the operating systems of kubectl-extensionapi.
var pluginSystems = []string{"linux", "darwin", "windows"}

// platforms returns those of operating systems, with each architecture of a release.
func platforms(systems []string) []platform {
	var platforms []platform
	for _, system := range systems {
		for _, architecture := range architectures {
			platforms = append(platforms, platform{system, architecture})
		}
	}
	return platforms
}

// program returns the name of the plugin's program.
func (p platform) program() string {
	if p.os == "windows" {
		return pluginName + ".exe"
	}
	return pluginName
}

// archive returns the name of the platform's archive in a release.
func (p platform) archive(version string) string {
	extension := ".tar.gz"
	if p.os == "windows" {
		extension = ".zip"
	}
	return pluginName + "-" + number(version) + "-" + p.os + "-" + p.architecture + extension
}

// plugin writes an archive of kubectl-extensionapi for each platform, and the manifest with which krew installs it.
func (r release) plugin(ctx context.Context) error {
	text, err := os.ReadFile(license)
	if err != nil {
		return err
	}
	checksums := map[platform]string{}
	for _, platform := range platforms(r.pluginSystems) {
		built, err := r.buildPlugin(ctx, platform)
		if err != nil {
			return err
		}
		files := []packed{
			{name: platform.program(), content: built, executable: true},
			{name: license, content: text},
		}
		content, err := pack(platform.archive(r.version), files, r.commit.time)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		checksums[platform] = hex.EncodeToString(sum[:])
		path := filepath.Join(r.output, platform.archive(r.version))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	manifest, err := krewManifest(r.version, platforms(r.pluginSystems), checksums)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.output, krewName+".yaml"), manifest, 0o600)
}

// buildPlugin returns the program for a platform.
func (r release) buildPlugin(ctx context.Context, p platform) ([]byte, error) {
	path := filepath.Join(programs, p.os+"-"+p.architecture, p.program())
	build := exec.CommandContext(ctx, "hack/build.sh", path, pluginPackage, p.os) //nolint:gosec // constants and lists
	build.Env = append(os.Environ(), "GOARCH="+p.architecture, "VERSION="+r.version, "COMMIT="+r.commit.hash)
	if _, err := run(build); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // what was just built
}
