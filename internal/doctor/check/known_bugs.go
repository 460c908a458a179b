// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

const upstream = "https://github.com/kubernetes/kubernetes/issues/"

// knownBug is one of Kubernetes that concerns aggregated APIs. docs/kubectl-plugin.md lists them.
type knownBug struct {
	in         []releases
	issue      string
	what, harm string
	// reportedBy are other checks that report where it does harm, so that it is no reason to warn.
	reportedBy string
}

// releases are those from since on and before fixed, which is empty if none is without the bug.
type releases struct{ since, fixed string }

// knownBugs were read in the issues and changelogs of Kubernetes.
var knownBugs = []knownBug{
	{
		in: []releases{{"1.27.0", "1.27.6"}, {"1.28.0", "1.28.2"}}, issue: upstream + "119662",
		what: "kube-apiserver marks a group-version Stale whose server does not check the Accept header of GET /apis",
		harm: "No namespace can be deleted while there is such a server",
	},
	{
		in: []releases{{"1.28.0", "1.28.3"}}, issue: upstream + "120758",
		what: "kube-apiserver may panic when it adds an APIService while a client requests /openapi/v2",
		harm: "Every client, until kube-apiserver has restarted",
	},
	{
		in: []releases{{"1.28.0", "1.28.3"}}, issue: upstream + "120739",
		what: "a kube-apiserver that starts waits a minute for a server that does not answer, before it is ready",
		harm: "Every client, when a kube-apiserver restarts",
	},
	{ // It was not fixed in earlier minor versions.
		in: []releases{{"1.27.0", "1.30.0"}}, issue: upstream + "115303",
		what: "a kube-apiserver that starts is ready before its aggregated discovery contains every APIService",
		harm: "Clients that look then do not find the API, rather than that it is Stale",
	},
	{
		in: []releases{{"1.0.0", "1.36.0"}}, issue: upstream + "135883",
		what: "kube-apiserver's own check does not verify the server's certificate, so Available=True may stand beside " +
			"requests that fail",
		reportedBy: "the checks verification and served",
	},
	{
		in: []releases{{since: "1.35.0"}}, issue: upstream + "140890",
		what:       "kube-controller-manager waits forever for a watch that never ends its initial events",
		reportedBy: "the check objects",
	},
}

// bugs reports those of the version, as far as there is an APIService that they concern.
func bugs(v *view.View) []Result {
	running, known := v.Version.Get()
	if !known {
		return nil // reported by kube-apiserver
	}
	parsed, err := version.ParseGeneric(running)
	if err != nil {
		return []Result{ofCluster(notChecked(err))}
	}
	if apiServices, known := v.APIServices.Get(); known && len(apiServices) == 0 {
		return []Result{ofCluster(ok("no APIService leads to a Service"))}
	}
	results := bugsOf(parsed)
	if len(results) == 0 {
		return []Result{ofCluster(ok(""))}
	}
	return results
}

func bugsOf(running *version.Version) (results []Result) {
	for _, bug := range knownBugs {
		for _, affected := range bug.in {
			if affected.include(running) {
				results = append(results, ofCluster(bug.finding(running, affected.fixed)))
			}
		}
	}
	return results
}

func (r releases) include(running *version.Version) bool {
	return running.AtLeast(version.MustParseGeneric(r.since)) &&
		(r.fixed == "" || running.LessThan(version.MustParseGeneric(r.fixed)))
}

func (b knownBug) finding(running *version.Version, fixed string) finding.Finding {
	if b.reportedBy != "" {
		return ok(fmt.Sprintf("a known bug of Kubernetes %s is harmless unless something is found by %s: %s (%s)", running,
			b.reportedBy, b.what, b.issue))
	}
	return warning("", fmt.Sprintf("Kubernetes %s has a known bug: %s (%s)", running, b.what, b.issue)).
		Affecting(b.harm).
		Advising("Upgrade Kubernetes to " + strings.TrimSuffix(fixed, ".0") + " or later")
}
