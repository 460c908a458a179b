// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// StandIn is found while the stand-in serves discovery in place of the server: kube-apiserver then reports the
// APIService available, although no request for an object is answered.
func StandIn(s *snapshot.Snapshot) finding.Finding {
	served := servedByStandIn(s)
	if served == "" {
		return finding.Finding{}
	}
	return finding.Bad(v1alpha1.ReasonStandIn, "no replica answers; "+served, finding.Working).
		Affecting("Requests for its objects are answered 503; namespaces can be deleted, and discovery works").
		Advising("See ServerAvailable and DiscoveryWithinLimit")
}

// WithStandIn adds to what is found of the server that the stand-in serves discovery. Replicas that are ready without
// answering are not available.
func WithStandIn(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	served := servedByStandIn(s)
	switch {
	case served == "":
		return found
	case found.Status == metav1.ConditionTrue:
		return finding.Bad(v1alpha1.ReasonStandIn, "ready replicas do not answer discovery; "+served, finding.Working).
			Advising("See DiscoveryWithinLimit")
	default:
		found.Evidence += "; " + served
		return found
	}
}

// servedByStandIn returns what the stand-in serves and since when, empty if that is nothing.
func servedByStandIn(s *snapshot.Snapshot) string {
	var names []string
	for _, groupVersion := range s.Replaced() {
		names = append(names, manifests.APIServiceName(groupVersion))
	}
	if len(names) == 0 {
		return ""
	}
	since := ""
	if record := s.Status.StandIn; record != nil && record.Since != nil {
		since = " since " + pki.Timestamp(record.Since.Time)
	}
	const shown = 3
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("%d more", more))
	}
	return "the operator serves discovery of " + strings.Join(names, ", ") + since
}

// returning returns the name of a group-version that the stand-in serves although no replica is known to be bad, empty
// if there is none: the server is about to serve it again.
func returning(s *snapshot.Snapshot) string {
	replaced := s.Replaced()
	isBad := func(replica discovery.Replica) bool {
		standing, _, _ := s.Probes.StandingOf(replica, replaced)
		return standing == discovery.Unhealthy
	}
	if len(replaced) == 0 || slices.ContainsFunc(s.Replicas(), isBad) {
		return ""
	}
	return manifests.APIServiceName(replaced[0])
}
