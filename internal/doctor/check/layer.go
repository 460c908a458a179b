// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

func reachable(v *view.View) []Result {
	version, known := v.Version.Get()
	if !known {
		return []Result{ofCluster(broken("", fmt.Sprintf("kube-apiserver %s does not answer: %v", v.Host, v.Version.Err())).
			Affecting("Everything that follows is unknown").
			Advising(kubectl("cluster-info")))}
	}
	return []Result{ofCluster(ok(fmt.Sprintf("kube-apiserver %s is %s", v.Host, version)))}
}

// tolerated is a difference of clocks that certificates and leases tolerate.
const tolerated = 30 * time.Second

// clocks reports that certificates seem to be valid to one machine, and not to another.
func clocks(v *view.View) []Result {
	read, known := v.Clocks.Get()
	if !known {
		return []Result{ofCluster(notChecked(v.Clocks.Err()))}
	}
	difference := read.Local.Sub(read.Server).Abs().Round(time.Second)
	if difference <= tolerated {
		return []Result{ofCluster(ok(""))}
	}
	return []Result{ofCluster(warning("", fmt.Sprintf(
		"the clock of kube-apiserver shows %s, and that of this machine differs by "+
			"%s", pki.Timestamp(read.Server), difference)).
		Affecting("What this report says of the expiry of certificates; and servers, if kube-apiserver's clock is wrong").
		Advising("Synchronize the clocks"))}
}

func trust(v *view.View) []Result {
	return layer(v.MissingTrust)
}

func proxyCertificate(v *view.View) []Result {
	return layer(v.MissingCertificate)
}

// layer reports what the aggregation layer lacks in the words of the operator.
func layer(read snapshot.Known[[]string]) []Result {
	missing, known := read.Get()
	if !known {
		return []Result{ofCluster(notChecked(read.Err()))}
	}
	if len(missing) == 0 {
		return []Result{ofCluster(ok(""))}
	}
	remedy := diagnosis.LayerNotConfigured(missing).Remedy
	return []Result{ofCluster(broken(v1alpha1.ReasonAggregationLayerNotConfigured, strings.Join(missing, "; ")).
		Affecting("Every extension API server refuses kube-apiserver's requests (401 or 403), and a group-version that " +
			"cannot be discovered blocks the deletion of every namespace").
		Advising(remedy))}
}

func aggregatedDiscovery(v *view.View) []Result {
	listed, known := v.Discovery.Get()
	switch {
	case !known:
		return []Result{ofCluster(notChecked(v.Discovery.Err()))}
	case listed == nil:
		return []Result{ofCluster(finding.Finding{
			Severity:    finding.Warning,
			Evidence:    "kube-apiserver serves no aggregated discovery",
			BlastRadius: "Clients request each group-version by itself, so every slow server delays every client",
			Remedy: "Enable it: remove AggregatedDiscoveryEndpoint=false from --feature-gates of kube-apiserver, or upgrade " +
				"it to Kubernetes 1.30 or later",
		})}
	default:
		return []Result{ofCluster(ok(""))}
	}
}
