// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

const upstream = "https://github.com/kubernetes/kubernetes/issues/"

// knownBug is one of Kubernetes that concerns aggregated APIs. docs/kubectl-plugin.md lists them.
type knownBug struct {
	// since has it, and fixed no longer, empty if no release is without it.
	since, fixed string
	issue        string
	what, harm   string
	// remedy is empty if a newer release of the same minor version is without it.
	remedy string
	// reportedBy are other checks that report where it does harm, so that it is no reason to warn.
	reportedBy string
}

// knownBugs were read in the issues and changelogs of Kubernetes.
var knownBugs = []knownBug{
	{
		since: "1.27.0", fixed: "1.27.6", issue: upstream + "119662",
		what: "kube-apiserver marks a group-version Stale whose server does not check the Accept header of GET /apis",
		harm: "No namespace can be deleted while there is such a server",
	},
	{
		since: "1.28.0", fixed: "1.28.2", issue: upstream + "119662",
		what: "kube-apiserver marks a group-version Stale whose server does not check the Accept header of GET /apis",
		harm: "No namespace can be deleted while there is such a server",
	},
	{
		since: "1.28.0", fixed: "1.28.3", issue: upstream + "120758",
		what: "kube-apiserver may panic when it adds an APIService while a client requests /openapi/v2",
		harm: "Every client, until kube-apiserver has restarted",
	},
	{
		since: "1.28.0", fixed: "1.28.3", issue: upstream + "120739",
		what: "a kube-apiserver that starts waits a minute for a server that does not answer, before it is ready",
		harm: "Every client, when a kube-apiserver restarts",
	},
	{
		since: "1.27.0", fixed: "1.30.0", issue: upstream + "115303",
		what: "a kube-apiserver that starts is ready before its aggregated discovery contains every APIService",
		harm: "Clients that look then do not find the API, rather than that it is Stale",
		// It was not fixed in earlier minor versions.
		remedy: "Upgrade Kubernetes to 1.30 or later",
	},
	{
		since: "1.0.0", fixed: "1.36.0", issue: upstream + "135883",
		what: "kube-apiserver's own check does not verify the server's certificate, so Available=True may stand beside " +
			"requests that fail",
		reportedBy: "the checks verification and served",
	},
	{
		since: "1.35.0", issue: upstream + "140890",
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
		if bug.isIn(running) {
			results = append(results, ofCluster(bug.finding(running)))
		}
	}
	return results
}

func (b knownBug) isIn(running *version.Version) bool {
	return running.AtLeast(version.MustParseGeneric(b.since)) &&
		(b.fixed == "" || running.LessThan(version.MustParseGeneric(b.fixed)))
}

func (b knownBug) finding(running *version.Version) finding.Finding {
	if b.reportedBy != "" {
		return ok(fmt.Sprintf("a known bug of Kubernetes %s is harmless unless something is found by %s: %s (%s)", running,
			b.reportedBy, b.what, b.issue))
	}
	found := warning("", fmt.Sprintf("Kubernetes %s has a known bug: %s (%s)", running, b.what, b.issue)).Affecting(b.harm)
	if b.remedy != "" {
		return found.Advising(b.remedy)
	}
	return found.Advising("Upgrade Kubernetes to " + b.fixed + " or later")
}
