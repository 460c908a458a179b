// SPDX-License-Identifier: Apache-2.0

package version

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

var build = Build{Version: "v0.1.0", Commit: "1a1c16a", Go: "go1.26.8", Platform: "linux/arm64"}

func TestBuildIsToldOnOneLine(t *testing.T) {
	want := "extensionapi-operator v0.1.0 (commit 1a1c16a, go1.26.8, linux/arm64)"
	if got := build.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBuildWithoutLinkerFlagsIsDev(t *testing.T) {
	if got := Current().String(); !strings.HasPrefix(got, "extensionapi-operator dev (commit unknown, go") {
		t.Errorf("got %q", got)
	}
}

func TestMetricHasTheBuild(t *testing.T) {
	metric := build.Metric()
	want := `# HELP extensionapi_operator_build_info Always 1; the labels are the operator's build.
# TYPE extensionapi_operator_build_info gauge
extensionapi_operator_build_info{goversion="go1.26.8",revision="1a1c16a",version="v0.1.0"} 1
`
	if err := testutil.CollectAndCompare(metric, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(metric); err != nil || len(problems) > 0 {
		t.Errorf("got problems %v and error %v", problems, err)
	}
}
