// SPDX-License-Identifier: Apache-2.0

// Command kubectl-extensionapi is the kubectl plugin for the aggregation layer: kubectl extensionapi.
package main

import (
	"os"

	"github.com/extensionapi/extensionapi-operator/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
