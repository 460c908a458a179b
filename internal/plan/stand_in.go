// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// confirmedAfter is how long kube-apiserver must have reported an APIService without endpoints as unavailable: one
	// that is back within moments is no reason for a switch.
	confirmedAfter = 2 * time.Second
	// agreedAfter is that time where the endpoints are ready and there are several kube-apiservers. They share the status
	// of the APIService, and each checks every 30 seconds (kube-aggregator pkg/controllers/status/remote): one that still
	// gets an answer has reported it by then.
	agreedAfter = 35 * time.Second
	// undoneAfter is how long kube-apiserver may take to report that the stand-in is available.
	undoneAfter = 15 * time.Second
	// firstPause is the time between an end of the stand-in and its next beginning. It doubles each time, up to lastPause,
	// and begins again after ForgivenAfter.
	firstPause, lastPause = 10 * time.Second, 10 * time.Minute
	// ForgivenAfter is how long after its end a stand-in counts for the pause.
	ForgivenAfter = time.Hour
)

// backend is where an APIService is to lead to.
type backend int

const (
	// toServer leads to the server as soon as it answers.
	toServer backend = iota
	// toStandIn leads to the stand-in.
	toStandIn
	// backToServer leads to the server at once, whether or not it answers.
	backToServer
)

// backendOf leads the APIService to the stand-in while no replica answers.
func (p *Plan) backendOf(s *snapshot.Snapshot, g *GroupVersion, target discovery.Target) backend {
	if s.StandIn.Serves(g.Existing) {
		return p.whileReplaced(s, g, target)
	}
	if g.Existing != nil && p.beginsStandIn(s, g) {
		return toStandIn
	}
	return toServer
}

// whileReplaced is backendOf while the APIService leads to the stand-in.
func (p *Plan) whileReplaced(s *snapshot.Snapshot, g *GroupVersion, target discovery.Target) backend {
	switch {
	case !manifests.HasStandIn(s.ExtensionAPI):
		return backToServer
	case diagnosis.Answers(s, g.GroupVersion, target):
		return toServer
	case p.keepsStandIn(s, g):
		return toStandIn
	default:
		return backToServer
	}
}

// keepsStandIn ends what kube-apiserver does not reach, as far as that is known since the operator works.
func (p *Plan) keepsStandIn(s *snapshot.Snapshot, g *GroupVersion) bool {
	if snapshot.IsAvailable(g.Existing) {
		return true
	}
	unreachedSince := slices.MaxFunc([]time.Time{
		s.StandIn.Started, reconnect.MarkOf(g.Existing.Spec.CABundle), reportedSince(g.Existing),
	}, time.Time.Compare)
	if left := unreachedSince.Add(undoneAfter).Sub(s.Now); left > 0 {
		p.after(left)
		return true
	}
	g.Undone = fmt.Sprintf("kube-apiserver did not reach the stand-in in place of the server of %s within %s: %s. "+
		"Requests are sent to the server again, and namespaces wait for it. If that was a time-out or a refused connection, "+
		"allow traffic from kube-apiserver to port 9443 of the operator's Pods", g.Name, undoneAfter,
		unavailableBecause(g.Existing))
	return false
}

// reportedSince is since when kube-apiserver has reported the same of an APIService, zero while it reports nothing.
func reportedSince(apiService *apiregistrationv1.APIService) time.Time {
	condition := snapshot.Availability(apiService)
	if condition == nil {
		return time.Time{}
	}
	return condition.LastTransitionTime.Time
}

func unavailableBecause(apiService *apiregistrationv1.APIService) string {
	if failed := snapshot.FailedCheck(apiService); failed != "" {
		return failed
	}
	if condition := snapshot.Availability(apiService); condition != nil {
		return condition.Reason
	}
	return "it reports nothing"
}

// beginsStandIn reports whether no kube-apiserver gets an answer from the server, for long enough.
func (p *Plan) beginsStandIn(s *snapshot.Snapshot, g *GroupVersion) bool {
	behind, known := s.Endpoints.Get()
	if !known || !s.StandIn.Reachable || !s.StandIn.CanServe(g.GroupVersion) {
		return false
	}
	confirmed := confirmedAfter
	if len(behind.Ready) > 0 {
		if !allFail(s, g.GroupVersion) {
			return false
		}
		if s.StandIn.KubeAPIServers != 1 {
			confirmed = agreedAfter
		}
	}
	since, unavailable := unavailableSince(s, g)
	if !unavailable {
		return false
	}
	left := max(since.Add(confirmed).Sub(s.Now), pauseLeft(s.Status.StandIn, s.Now))
	p.after(left)
	return left <= 0
}

// unavailableSince is since when clients get no answer: kube-apiserver reports that, or, before Kubernetes 1.36, where
// it does not verify the certificate, requests through every kube-apiserver fail.
func unavailableSince(s *snapshot.Snapshot, g *GroupVersion) (since time.Time, unavailable bool) {
	condition := snapshot.Availability(g.Existing)
	if condition == nil {
		return since, false
	}
	if condition.Status == apiregistrationv1.ConditionFalse {
		return condition.LastTransitionTime.Time, true
	}
	return s.Probes.FailingSince(g.GroupVersion)
}

// allFail reports whether every replica that gets requests fails discovery, as the operator sees it.
func allFail(s *snapshot.Snapshot, groupVersion schema.GroupVersion) bool {
	serving := 0
	for _, replica := range s.Replicas() {
		if replica.Ejected {
			continue
		}
		serving++
		standing, _, _ := s.Probes.StandingOf(replica, []schema.GroupVersion{groupVersion})
		if standing != discovery.Unhealthy {
			return false
		}
	}
	return serving > 0
}

// pauseLeft is how long the stand-in must not begin, since the server comes and goes.
func pauseLeft(record *v1alpha1.StandInStatus, now time.Time) time.Duration {
	if record == nil || record.Until == nil || record.Switches == 0 {
		return 0
	}
	pause := lastPause
	if doublings := record.Switches - 1; doublings < 6 {
		pause = min(lastPause, firstPause<<doublings)
	}
	return record.Until.Add(pause).Sub(now)
}

// leadToStandIn makes the APIService lead to the stand-in, and trust the server as well: it may answer at any time. The
// mark of the bundle is the record of when that began. Without a certificate of the stand-in everything stays as it is.
func (g *GroupVersion) leadToStandIn(s *snapshot.Snapshot) {
	g.StandIn = true
	if len(s.StandIn.CABundle) == 0 {
		return
	}
	g.Step = Apply
	trust := slices.Concat(g.Wanted.Spec.CABundle, []byte("\n"), s.StandIn.CABundle)
	if s.StandIn.Serves(g.Existing) {
		trust = reconnect.KeepMark(trust, g.Existing.Spec.CABundle)
	} else {
		trust = reconnect.Remark(trust, s.Now)
	}
	manifests.LeadTo(g.Wanted, s.StandIn.Service, trust)
}

// leaveStandIn has kube-apiserver connect to the server again. With the bundle of before it would use the connection of
// before, whose Pod may hang or be gone (client-go transport/cache.go).
func (g *GroupVersion) leaveStandIn(s *snapshot.Snapshot) {
	g.Step = Apply
	g.Wanted.Spec.CABundle = reconnect.Remark(g.Wanted.Spec.CABundle, s.Now)
}
