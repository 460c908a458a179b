// SPDX-License-Identifier: Apache-2.0

// Command kubectl-extensionapi is the kubectl plugin for the aggregation layer: kubectl extensionapi.
package main

import (
	"os"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/extensionapi/extensionapi-operator/internal/cli"
)

func main() {
	ctrl.SetLogger(logr.Discard()) // without one, controller-runtime prints a warning after 30 seconds
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
