// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// ofAvailable evaluates a check for every APIService that kube-apiserver sends requests to. Of the others there is
// nothing to learn: kube-apiserver answers 503 itself.
func ofAvailable(v *view.View, evaluate func(view.APIService) finding.Finding) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		if v.APIServices.IsKnown() && !snapshot.IsAvailable(apiService.APIService) {
			return finding.Finding{}
		}
		return evaluate(apiService)
	})
}

// latency reports group-versions whose discovery fails or takes long.
func latency(v *view.View) []Result {
	return ofAvailable(v, func(apiService view.APIService) finding.Finding {
		sample, known := apiService.Discovery.Get()
		switch {
		case !known:
			return notChecked(apiService.Discovery.Err())
		case isUntrusted(sample):
			return finding.Finding{} // reported by verification
		case isRefused(sample) && apierrors.IsForbidden(v.Discovery.Err()):
			return notChecked(v.Discovery.Err())
		case sample.Err != nil:
			return failed(sample)
		default:
			return answered(sample)
		}
	})
}

func isRefused(sample discovery.Sample) bool {
	return discovery.ClassOf(sample) == discovery.ClassRefused
}

// failed reports a failed request as DiscoveryWithinLimit does. That kube-apiserver cannot be reached, or is busy, says
// nothing of the server.
func failed(sample discovery.Sample) finding.Finding {
	reason, advice := discovery.CauseThrough(sample)
	evidence := "GET of its discovery failed: " + excerpt.Quote(sample.Err.Error())
	if !discovery.IsKnown(reason) {
		return warning(reason, evidence).Advising("Check the connection to kube-apiserver and its load, and run this again")
	}
	return broken(reason, evidence).
		Affecting("Requests to the API fail" + andWholeCluster()).
		Advising(sentence(advice))
}

func answered(sample discovery.Sample) finding.Finding {
	const limit = discovery.AggregatorTimeout
	evidence := "answers discovery in " + sample.Rounded()
	advice := "Look at the server's CPU, its storage and what it calls, and at the network between kube-apiserver and it"
	switch {
	case sample.Latency > limit:
		return broken(v1alpha1.ReasonLimitExceeded, fmt.Sprintf("%s; kube-apiserver gives up after %s", evidence, limit)).
			Affecting(wholeCluster).Advising(advice)
	case sample.Latency > limit*v1alpha1.DefaultWarningPercent/100:
		return warning(v1alpha1.ReasonNearLimit, fmt.Sprintf("%s, which is near the limit of %s", evidence, limit)).
			Affecting("Nobody yet; above the limit, namespace deletion and discovery fail in the whole cluster").
			Advising(advice)
	default:
		return ok(evidence)
	}
}

// settlesWithin is how long a new APIService may be Stale or missing (kube-aggregator
// pkg/apiserver/handler_discovery.go refreshes each minute).
const settlesWithin = 2 * time.Minute

// freshness reports group-versions that clients do not find.
func freshness(v *view.View) []Result {
	listed, known := v.Discovery.Get()
	switch {
	case known && listed == nil:
		return nil // reported by aggregatedDiscovery
	case known && !v.APIServices.IsKnown():
		return staleOnly(listed)
	}
	return ofAvailable(v, func(apiService view.APIService) finding.Finding {
		if !known {
			return notChecked(v.Discovery.Err())
		}
		return listedAs(listed, apiService, v.Now)
	})
}

func listedAs(
	listed map[schema.GroupVersion]view.Freshness, apiService view.APIService, now time.Time,
) finding.Finding {
	state, found := listed[apiService.GroupVersion()]
	switch {
	case now.Sub(apiService.CreationTimestamp.Time) < settlesWithin:
		return ok("registered less than two minutes ago")
	case !found || state.Stale:
		return isStale()
	case state.Empty:
		return empty(apiService.Discovery.Value())
	default:
		return ok("")
	}
}

// staleOnly is for users who may not read APIServices: every authenticated user may read discovery.
func staleOnly(listed map[schema.GroupVersion]view.Freshness) []Result {
	var results []Result
	for groupVersion, state := range listed {
		if state.Stale {
			name := manifests.APIServiceName(groupVersion)
			results = append(results, Result{isStale().About(name), kindAPIService + name})
		}
	}
	if len(results) == 0 {
		return []Result{ofCluster(ok("no group-version is Stale"))}
	}
	slices.SortFunc(results, func(a, b Result) int { return strings.Compare(a.Subject, b.Subject) })
	return results
}

func isStale() finding.Finding {
	return broken(v1alpha1.ReasonStale, "kube-apiserver marks the group-version Stale: it cannot read GET /apis of the "+
		"server").
		Affecting(wholeCluster).
		Advising("Look at the network between kube-apiserver and the server, and at what it answers to GET /apis")
}

// empty reports a group-version without a resource in aggregated discovery.
func empty(answer discovery.Sample) finding.Finding {
	switch {
	case answer.Resources == 0:
		return warning(v1alpha1.ReasonNoResources, "the group-version has no resource").
			Affecting("Clients find nothing in it, or report an empty response").
			Advising("Look at the configuration and the log of the server; adapters for metrics may add resources later")
	case answer.MoreThanGet == 0:
		return ok("its resources offer only get, so no client misses them in GET /apis")
	default:
		return broken(v1alpha1.ReasonEmpty, "the server leaves the group-version out of GET /apis, or lists no "+
			"resource there").
			Affecting("kubectl does not find the resources, and the deletion of a namespace leaves their objects behind").
			Advising("Correct what the server answers to GET /apis")
	}
}

// andWholeCluster ends a sentence about who else is affected.
func andWholeCluster() string { return ", and " + strings.ToLower(wholeCluster[:1]) + wholeCluster[1:] }

// sentence begins with a capital letter, unless it is the name of a program.
func sentence(text string) string {
	if text == "" || strings.HasPrefix(text, "kube-apiserver") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
