// SPDX-License-Identifier: Apache-2.0

// Command cluster builds and runs a one-node Kubernetes from Go modules: no container engine, no download. README.md
// describes how it works.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"
)

const usage = `usage: go run -C hack/cluster . COMMAND

  build [--kubernetes 1.34] [PROGRAM…]    build what is missing (default: all); print its directory
  versions                                print the versions of Kubernetes that build knows
  image --ref REF --output FILE BINARY…   write an OCI image tarball with the binaries at the root of an image for each
                                          architecture; --compress and --annotation KEY=VALUE as for a release
  up [--name NAME] [--kube-apiservers 3]  start the cluster, or find it running; print its kubeconfig's path
  load [--name NAME] FILE…                import image tarballs into the node
  stop|kill|pause|resume [--name NAME] kube-apiserver N
                                          send a signal to one of the kube-apiservers: TERM, KILL, STOP or CONT
  start [--name NAME] [--kubernetes 1.35] kube-apiserver N [FLAG…]
                                          start it again, of another version, or with other flags
  kubeconfig [--name NAME]                print the kubeconfig's path
  down [--name NAME]                      stop the cluster and remove everything of it
`

var commands = map[string]func(ctx context.Context, args []string) error{
	"build":      runBuild,
	"versions":   runVersions,
	"image":      runImage,
	"up":         runUp,
	"load":       runLoad,
	"start":      runStart,
	"stop":       signals{"stop", unix.SIGTERM}.run,
	"kill":       signals{"kill", unix.SIGKILL}.run,
	"pause":      signals{"pause", unix.SIGSTOP}.run,
	"resume":     signals{"resume", unix.SIGCONT}.run,
	"kubeconfig": runKubeconfig,
	"down":       runDown,
	nodeCommand:  runNode, // internal: what up starts as the node's first process
}

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	command := commands[flag.Arg(0)]
	if command == nil {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, flag.Args()[1:])
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		progress("%s: %v", flag.Arg(0), err)
		os.Exit(1)
	}
}

// progress reports what is being done; only results go to standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// cacheDir is the directory in the user's cache that holds binaries and clusters.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "extensionapi-operator"), err
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// parseName reads the flag that names the cluster.
func parseName(command string, args []string) (cluster, error) {
	return parseNameAlone(flag.NewFlagSet(command, flag.ExitOnError), args)
}

// parseNameAlone reads that flag and those that are defined already.
func parseNameAlone(flags *flag.FlagSet, args []string) (cluster, error) {
	c, rest, err := parseNameAndRest(flags, args)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unknown argument %q; set the name of a cluster with --name", rest[0])
	}
	return c, err
}

// parseNameAndRest reads the flag that names the cluster and those that are defined already, and returns the arguments
// that follow.
func parseNameAndRest(flags *flag.FlagSet, args []string) (cluster, []string, error) {
	name := flags.String("name", "extensionapi", "the cluster's name")
	_ = flags.Parse(args) // exits by itself on an error
	if !clusterName.MatchString(*name) {
		return cluster{}, nil, fmt.Errorf("--name %q: use up to 40 lower-case letters, digits and inner dashes", *name)
	}
	cache, err := cacheDir()
	return cluster{name: *name, dir: filepath.Join(cache, "clusters", *name)}, flags.Args(), err
}
