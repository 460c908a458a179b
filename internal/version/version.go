// SPDX-License-Identifier: Apache-2.0

// Package version tells which build of the operator runs.
package version

import (
	"fmt"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// hack/build.sh sets them when it links. The commit, too, since Docker builds where there is no git.
var (
	version = "dev"
	commit  = "unknown"
)

// Build is where a program comes from, and what it was built with and for.
type Build struct {
	Version  string // the release, or what git describe says of the commit
	Commit   string // the full hash
	Go       string // for example go1.26.8
	Platform string // for example linux/amd64
}

// Current is the build of this program; its version is "dev" and its commit "unknown" where nothing else was linked in.
func Current() Build {
	return Build{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
}

// String is what --version prints.
func (b Build) String() string {
	return fmt.Sprintf("extensionapi-operator %s (commit %s, %s, %s)", b.Version, b.Commit, b.Go, b.Platform)
}

// Metric is always 1; its labels tell the build, so that a dashboard can show when which version ran.
func (b Build) Metric() prometheus.Collector {
	metric := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "extensionapi_operator_build_info",
		Help: "Always 1; the labels tell the operator's build.",
	}, []string{"version", "revision", "goversion"})
	metric.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	return metric
}
