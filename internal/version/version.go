// SPDX-License-Identifier: Apache-2.0

// Package version reports which build of the operator is running.
package version

import (
	"fmt"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// hack/build.sh sets these with linker flags, including the commit, since there is no git in the Docker build.
var (
	version = "dev"
	commit  = "unknown"
)

// Build describes the source, the toolchain and the platform of a program.
type Build struct {
	Version  string // the release, or the output of git describe
	Commit   string // the full hash
	Go       string // for example go1.26.8
	Platform string // for example linux/amd64
}

// Current returns the build of this program; its version is "dev" and its commit "unknown" unless they were set by the
// linker.
func Current() Build {
	return Build{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
}

// String returns what --version prints.
func (b Build) String() string {
	return fmt.Sprintf("extensionapi-operator %s (commit %s, %s, %s)", b.Version, b.Commit, b.Go, b.Platform)
}

// Metric returns a metric that is always 1; its labels are the build, so that a dashboard can show when which version
// ran.
func (b Build) Metric() prometheus.Collector {
	metric := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "extensionapi_operator_build_info",
		Help: "Always 1; the labels are the operator's build.",
	}, []string{"version", "revision", "goversion"})
	metric.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	return metric
}
