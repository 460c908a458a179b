// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/internal/skeleton"
	"github.com/extensionapi/extensionapi-operator/internal/version"
)

// initializer is the command init.
type initializer struct {
	*options
	dir     string
	project skeleton.Project
}

const initHelp = `Writes a Go module for an extension API server and its controllers into a directory. It has
no API yet: "kubectl extensionapi create api" adds one. Nothing is read from or written to a cluster.`

// libraryVariable names the directory pkg of a clone of this project, which the library is then taken from: for its
// development, and for builds of the plugin that are no release.
const libraryVariable = "EXTENSIONAPI_LIBRARY"

func initCommand(o *options) *cobra.Command {
	i := &initializer{options: o}
	command := &cobra.Command{
		Use:     "init --domain DOMAIN",
		Short:   "Start a project: an extension API server and its controllers",
		Long:    initHelp,
		Example: "  kubectl extensionapi init --domain example.com",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return i.run() },
	}
	flags := command.Flags()
	flags.StringVar(&i.project.Domain, "domain", "", "Domain that you own; the names of groups end with it")
	flags.StringVar(&i.project.Name, "name", "", "Name of the program and of the ExtensionAPI; defaults to that of the "+
		"directory")
	flags.StringVar(&i.project.Repo, "repo", "", "Path of the Go module; defaults to DOMAIN/NAME")
	flags.StringVar(&i.dir, "dir", ".", "Directory of the project")
	_ = command.MarkFlagRequired("domain") // the flag exists
	return command
}

func (i *initializer) run() error {
	dir, err := filepath.Abs(i.dir)
	if err != nil {
		return err
	}
	library, err := libraryOf(version.Current().Version, os.Getenv(libraryVariable))
	if err != nil {
		return err
	}
	i.project.Name = cmp.Or(i.project.Name, skeleton.DefaultName(dir))
	i.project.Repo = cmp.Or(i.project.Repo, i.project.Domain+"/"+i.project.Name)
	files, err := skeleton.Init(dir, i.project, library)
	if err != nil {
		return err
	}
	printFiles(i.Out, "created", files)
	_, err = fmt.Fprintln(i.Out, "\nNext: kubectl extensionapi create api --group GROUP --version v1 --kind KIND")
	return err
}

var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)\.[0-9]+)?$`)

// libraryOf is the version of the library that belongs to a version of the plugin, or the directory that replaces it.
func libraryOf(version, dir string) (skeleton.InitOptions, error) {
	switch {
	case dir != "":
		absolute, err := filepath.Abs(dir)
		return skeleton.InitOptions{Library: "v0.0.0", LibraryDir: absolute}, err
	case release.MatchString(version):
		return skeleton.InitOptions{Library: version}, nil
	default:
		return skeleton.InitOptions{}, fmt.Errorf("this build of the plugin, %s, is no release: set %s to the directory "+
			"pkg of the clone that it was built in", version, libraryVariable)
	}
}

func printFiles(out io.Writer, what string, files []string) {
	for _, file := range files {
		_, _ = fmt.Fprintln(out, what, file)
	}
}
