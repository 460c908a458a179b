// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/docs"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/collect"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

// Exit codes of doctor.
const (
	exitWarnings = 1
	exitBroken   = 2
	exitNotRun   = 3
)

// lookAgain is the time between two looks with --wait.
const lookAgain = 5 * time.Second

// doctor is the command.
type doctor struct {
	*options
	output outputFlag
	wait   time.Duration
}

const doctorHelp = `Checks the configuration of the aggregation layer, every APIService and the server
behind it, and the namespaces that are stuck because of them. It only reads, and does not depend on
complete discovery. With names, only these APIServices and ExtensionAPIs are checked. What the
permissions do not show is listed as not checked.

Exit code: 0 healthy, 1 warnings, 2 broken, 3 not run.`

func doctorCommand(o *options) *cobra.Command {
	d := &doctor{options: o}
	command := &cobra.Command{
		Use:   "doctor [APISERVICE | EXTENSIONAPI ...]",
		Short: "Check the aggregation layer of the cluster",
		Long:  doctorHelp,
		Example: "  kubectl extensionapi doctor\n" +
			"  kubectl extensionapi doctor v1beta1.metrics.k8s.io\n" +
			"  kubectl extensionapi doctor --wait 2m\n" +
			"  kubectl extensionapi doctor -o json | jq '.sections[].checks[].results[] | select(.level == \"broken\")'",
		ValidArgsFunction: o.completeAPIServicesAndExtensionAPIs,
		RunE: func(command *cobra.Command, names []string) error {
			return d.run(command.Context(), names)
		},
	}
	d.output.add(command, outputText, outputWide, outputName, outputJSON, outputYAML)
	command.Flags().DurationVar(&d.wait, "wait", 0, "Look again until nothing is broken, at most for this time")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitNotRun, err} })
	return command
}

func (d *doctor) run(ctx context.Context, names []string) error {
	cluster, err := d.connect()
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	report, err := d.examine(ctx, cluster, names)
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	if err := d.print(report); err != nil {
		return &exitError{exitNotRun, err}
	}
	return exitOf(report)
}

// examine looks until nothing is broken, or the time is up.
func (d *doctor) examine(ctx context.Context, cluster *connect.Cluster, names []string) (check.Report, error) {
	end := d.clock.Now().Add(d.wait)
	for {
		view, err := collect.View(ctx, cluster, d.clock, names...)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return check.Report{}, err // what was interrupted shows nothing
		}
		report := check.Run(view)
		if report.Level() != check.Broken || !d.clock.Now().Add(lookAgain).Before(end) {
			return report, nil
		}
		select {
		case <-ctx.Done():
			return report, ctx.Err()
		case <-d.clock.After(lookAgain):
		}
	}
}

func (d *doctor) print(report check.Report) error {
	book, err := runbook.Read(docs.Files)
	if err != nil {
		return err
	}
	return d.output.write(d.Out, render.DocumentOf(report, book), func() error {
		if d.output.value == outputName {
			return render.Names(d.Out, report)
		}
		return render.Text(d.Out, report, render.Style{
			Colour: isTerminal(d.Out), Wide: d.output.value == outputWide, Runbook: book,
		})
	})
}

// exitOf is the exit code of a report. Where nothing could be checked, the doctor has not run.
func exitOf(report check.Report) error {
	switch report.Level() {
	case check.Broken:
		return &exitError{code: exitBroken}
	case check.Warning:
		return &exitError{code: exitWarnings}
	case check.NotChecked:
		return &exitError{code: exitNotRun}
	default:
		return nil
	}
}
