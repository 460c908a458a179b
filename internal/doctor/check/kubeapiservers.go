// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// kubeAPIServers reports kube-apiservers that do not reach a server that others reach. All write the same status of an
// APIService, so what one of them cannot reach shows there only by turns, and a kubeconfig leads to one of them.
func kubeAPIServers(v *view.View) []Result {
	servers, known := v.KubeAPIServers.Get()
	switch {
	case !known:
		return []Result{ofCluster(notChecked(v.KubeAPIServers.Err()))}
	case len(servers) <= 1:
		return nil
	}
	return each(v, func(apiService view.APIService) finding.Finding {
		if !snapshot.IsAvailable(apiService.APIService) {
			return finding.Finding{} // each answers 503 itself; reported by available
		}
		return compared(v, apiService, servers)
	})
}

// compared compares what the kube-apiservers answer, and adds what the operator measured through those that are not
// reached from here.
func compared(v *view.View, apiService view.APIService, servers []view.KubeAPIServer) finding.Finding {
	good, bad := verdicts(v, apiService)
	switch measured := measuredBy(ownerOf(v, apiService)); {
	case len(good) > 0 && len(bad) > 0:
		return differing(good, bad)
	case len(bad) > 0:
		return finding.Finding{} // through every one, as latency and verification report
	case measured != nil && measured.Status == metav1.ConditionTrue:
		return ok(fmt.Sprintf("the operator reaches it through each of %d kube-apiservers", len(servers)))
	case measured != nil && measured.Status == metav1.ConditionFalse:
		return finding.Finding{} // reported by conditions, with the address of the kube-apiserver
	case len(good) == len(servers):
		return ok(fmt.Sprintf("through each of %d kube-apiservers", len(servers)))
	default:
		return unseen(servers, apiService.Through)
	}
}

// verdicts are the kube-apiservers that get an answer in time, and the results through those that do not. The one of
// the kubeconfig only counts as good: what it does not get is reported by other checks.
func verdicts(v *view.View, apiService view.APIService) (good []string, bad []view.Through) {
	for _, through := range apiService.Through {
		switch sample, known := through.Discovery.Get(); {
		case !known:
		case isGood(sample):
			good = append(good, through.Address)
		default:
			bad = append(bad, through)
		}
	}
	if sample, known := apiService.Discovery.Get(); len(good) == 0 && len(bad) > 0 && known && isGood(sample) {
		good = append(good, v.Host)
	}
	return good, bad
}

func isGood(sample discovery.Sample) bool {
	return sample.Err == nil && sample.Latency <= discovery.AggregatorTimeout
}

// differing names the kube-apiservers that get no answer in time.
func differing(good []string, bad []view.Through) finding.Finding {
	var failures []string
	for _, through := range bad {
		failure := failureOf(through.Discovery.Value())
		failures = append(failures, fmt.Sprintf("kube-apiserver %s %s", through.Address, failure))
	}
	evidence := fmt.Sprintf("discovery through %s; through %s it is answered in time",
		strings.Join(failures, "; through "), strings.Join(good, ", "))
	reason, advice := discovery.CauseThrough(bad[0].Discovery.Value())
	if !discovery.IsKnown(reason) {
		return warning(reason, evidence).
			Affecting("Clients that this kube-apiserver serves, if it is not only busy").
			Advising("Look at its load and its log, and run this again")
	}
	return broken(reason, evidence).
		Affecting("Clients that this kube-apiserver serves; and everyone by turns, since all kube-apiservers write the " +
			"same status of the APIService").
		Advising(sentence(advice))
}

func failureOf(sample discovery.Sample) string {
	if sample.Err != nil {
		return "fails: " + excerpt.Quote(sample.Err.Error())
	}
	return fmt.Sprintf("takes %s, more than the %s that it waits", sample.Rounded(), discovery.AggregatorTimeout)
}

// unseen says why discovery was not seen through some kube-apiservers.
func unseen(servers []view.KubeAPIServer, through []view.Through) finding.Finding {
	var why []string
	for _, server := range servers {
		if server.Unreached != nil {
			why = append(why, fmt.Sprintf("kube-apiserver %s cannot be reached from this machine (%s)", server.Address,
				excerpt.Quote(server.Unreached.Error())))
		}
	}
	for _, one := range through {
		if err := one.Discovery.Err(); err != nil {
			why = append(why, fmt.Sprintf("kube-apiserver %s: %s", one.Address, err))
		}
	}
	return finding.Finding{Evidence: fmt.Sprintf("not seen through %d of %d kube-apiservers: %s", len(why), len(servers),
		strings.Join(why, "; "))}
}

func measuredBy(owner *v1alpha1.ExtensionAPI) *metav1.Condition {
	if owner == nil {
		return nil
	}
	return meta.FindStatusCondition(owner.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
}
