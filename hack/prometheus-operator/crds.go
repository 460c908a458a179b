// SPDX-License-Identifier: Apache-2.0

// Package crds makes go.mod require the Prometheus Operator, whose module contains the CRDs that the integration tests
// install.
package crds

import (
	// The package with the fewest dependencies.
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
)
