// SPDX-License-Identifier: Apache-2.0

// Package cli has the commands of the kubectl plugin, one a file. They read what they need, let the pure packages
// decide, and write text; only rotate, and check with its flags, write to the cluster.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// options are what all commands share.
type options struct {
	flags *genericclioptions.ConfigFlags
	clock clock.WithDelayedExecution
	genericiooptions.IOStreams
}

// connect returns the cluster of the flags.
func (o *options) connect() (*connect.Cluster, error) { return connect.To(o.flags) }

// Run runs a command line, and returns the exit code.
func Run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := Command(genericiooptions.IOStreams{In: in, Out: out, ErrOut: errOut})
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	exit, isExit := errors.AsType[*exitError](err)
	switch {
	case err == nil:
		return 0
	case isExit && exit.cause == nil:
		return exit.code
	case isExit:
		err = exit.cause
	default:
		exit = &exitError{code: 1}
	}
	_, _ = fmt.Fprintln(errOut, "error: "+excerpt.Of(err.Error(), maxError))
	return exit.code
}

// maxError is how many bytes of an error are printed.
const maxError = 2048

// exitError ends the program with a code that has a meaning of its own.
type exitError struct {
	code int
	// cause is printed; nil if the output says everything.
	cause error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.cause) }

const rootHelp = `Looks at aggregated APIs (APIServices, and the extension API servers behind them) of any
cluster, with or without extensionapi-operator. Reads with the permissions of the kubeconfig;
only rotate writes, and check with --admission or --rollout.`

// Command returns the command with all that belong to it.
func Command(streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{flags: genericclioptions.NewConfigFlags(true), clock: clock.RealClock{}, IOStreams: streams}
	root := &cobra.Command{
		Use:           "kubectl-extensionapi",
		Short:         "See, understand and fix the aggregation layer of a cluster",
		Long:          rootHelp,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl extensionapi"},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	o.flags.AddFlags(root.PersistentFlags())
	root.AddCommand(
		versionCommand(o),
		doctorCommand(o),
		explainCommand(o),
		statusCommand(o),
		historyCommand(o),
		eventsCommand(o),
		rotateCommand(o),
		importCommand(o),
		topCommand(o),
		checkCommand(o),
		diffCommand(o),
		initCommand(o),
		createCommand(o),
		installCompletionCommand(o),
	)
	return root
}
