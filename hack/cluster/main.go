// SPDX-License-Identifier: Apache-2.0

// Command cluster builds and runs a one-node Kubernetes from Go modules: no container engine, no download.
// README.md beside it tells how it works.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

const usage = `usage: go run -C hack/cluster . COMMAND

  build [PROGRAM…]                        build what is missing (default: all); print its directory
  image --ref REF --output FILE BINARY…   write an OCI image tarball with the binaries at its root
  up [--name NAME]                        start the cluster, or find it running; print its kubeconfig's path
  load [--name NAME] FILE…                import image tarballs into the node
  kubeconfig [--name NAME]                print the kubeconfig's path
  down [--name NAME]                      stop the cluster and remove everything of it
`

var commands = map[string]func(ctx context.Context, args []string) error{
	"build":      runBuild,
	"image":      runImage,
	"up":         runUp,
	"load":       runLoad,
	"kubeconfig": runKubeconfig,
	"down":       runDown,
	nodeCommand:  runNode, // not for people: what up starts as the node's first process
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := commands[os.Args[1]](ctx, os.Args[2:])
	stop()
	if err != nil {
		progress("%s: %v", os.Args[1], err)
		os.Exit(1)
	}
}

// progress tells a person what is going on; results alone go to standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// cacheDir is the directory in the user's cache that holds binaries and clusters.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "extensionapi-operator"), err
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// parseCluster reads the --name flag of a command and returns that cluster and the arguments left over.
func parseCluster(command string, args []string) (cluster, []string, error) {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	name := flags.String("name", "extensionapi", "the cluster's name")
	_ = flags.Parse(args) // exits by itself on an error
	if !clusterName.MatchString(*name) {
		return cluster{}, nil, fmt.Errorf("--name %q: use up to 40 lower-case letters, digits and inner dashes", *name)
	}
	cache, err := cacheDir()
	return cluster{name: *name, dir: filepath.Join(cache, "clusters", *name)}, flags.Args(), err
}
