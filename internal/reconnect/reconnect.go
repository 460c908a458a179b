// SPDX-License-Identifier: Apache-2.0

// Package reconnect decides when kube-apiserver takes a new connection to a server, because a Pod leaves its Service.
// It imports no client: Next maps what is seen to a moment, and Mark has an APIService carry it.
//
// kube-apiserver sends all requests over one HTTP/2 connection, which it would keep to the Pod: one that is terminating
// refuses requests on it for a moment (k8s.io/apiserver pkg/server/filters/waitgroup.go), and one that hangs lets them
// hang. Another caBundle makes kube-apiserver connect again (kube-aggregator pkg/apiserver/handler_proxy.go), to a Pod
// that stays, while open requests go on. So a comment in the bundle changes.
package reconnect

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

const (
	// leaveAfter is how long after a Pod has begun to leave the Service no new connection leads to it any more: its
	// endpoint is gone, and every kube-proxy has learned of it. The preStop sleep of the template is longer.
	leaveAfter = 5 * time.Second
	// mostlyLeaveAfter is how long that takes where no kube-proxy is busy: by default each waits up to a second before it
	// follows a change (k8s.io/kubernetes pkg/proxy/apis/config/v1alpha1/defaults.go, MinSyncPeriod). Moments are in
	// whole seconds, which is up to another one.
	mostlyLeaveAfter = 3 * time.Second
)

// Observed is what is observed of a server.
type Observed struct {
	// Bundles are those of its APIServices.
	Bundles [][]byte
	// Pods are all that it has, those that end included.
	Pods []corev1.Pod
	// Stays reports whether there is a replica to connect to.
	Stays bool
	// Fails reports whether requests fail: kube-apiserver may still be connected to a Pod that has left.
	Fails bool
}

// Moment is when kube-apiserver connects again.
type Moment struct {
	// Last is when it last was time to, zero for never: what the bundle is to be marked with.
	Last time.Time
	// Wait is how long it is until the next time, zero when there is none.
	Wait time.Duration
	// At is the latest of all moments, past or to come.
	At time.Time
}

// Next decides when it is time to connect again.
func Next(seen Observed, now time.Time) Moment {
	marked := lastMarked(seen.Bundles, now)
	leaving := leaving{marked: marked, harms: seen.Fails}
	var moments []time.Time
	if seen.Stays {
		for i := range seen.Pods {
			moments = append(moments, leaving.moments(&seen.Pods[i])...)
		}
	}
	moments = spaced(moments, marked, limits.ReconnectInterval(len(seen.Bundles)))
	last, wait := split(moments, now)
	at := slices.MaxFunc(append(moments, last, marked), time.Time.Compare)
	if marked.After(last) {
		last = marked
	}
	return Moment{last, wait, at}
}

// Mark returns a bundle with a comment that changes with the moment, and without one when that is zero.
func Mark(bundle []byte, moment time.Time) []byte {
	if moment.IsZero() {
		return bundle
	}
	return fmt.Appendf(slices.Clip(bundle), "%s%s\n", prefix, pki.Timestamp(moment))
}

// Remark is Mark for a bundle that may be marked with an earlier moment.
func Remark(bundle []byte, moment time.Time) []byte {
	return Mark(fmt.Appendln(bytes.TrimRight(comment.ReplaceAll(bundle, nil), "\n")), moment)
}

// lastMarked is the last moment that bundles carry. One to come is of a clock that was wrong.
func lastMarked(bundles [][]byte, now time.Time) (last time.Time) {
	for _, bundle := range bundles {
		if marked := MarkOf(bundle); marked.After(last) && !marked.After(now) {
			last = marked
		}
	}
	return last
}

// leaving is what it depends on when it is time to connect again.
type leaving struct {
	// marked is the last moment that a bundle was marked with.
	marked time.Time
	// harms reports whether requests fail: kube-apiserver may still be connected to a Pod that has left.
	harms bool
}

// moments are when it is time to connect again because of a Pod, none for one that stays.
func (l leaving) moments(pod *corev1.Pod) []time.Time {
	ends, grace := pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds
	switch {
	case ejection.IsEjected(pod):
		since, _ := ejection.RecordOf(pod)
		return l.soonAfter(since.Time)
	case ends != nil && grace != nil:
		return []time.Time{ends.Add(-time.Duration(*grace) * time.Second).Add(leaveAfter)}
	case hasTurnedUnready(pod):
		return l.soonAfter(l.unhurried(workload.Readiness(pod).LastTransitionTime.Time))
	default:
		return nil
	}
}

// soonAfter is for a Pod that harms as long as it is connected to: it is tried early, again for a slow kube-proxy, and
// still later where requests go on to fail.
func (l leaving) soonAfter(since time.Time) []time.Time {
	if since.IsZero() {
		return nil
	}
	moments := []time.Time{since.Add(mostlyLeaveAfter), since.Add(leaveAfter)}
	if l.harms {
		moments = append(moments, since.Add(15*time.Second), since.Add(45*time.Second), since.Add(2*time.Minute))
	}
	return moments
}

// unhurried puts off what comes within a minute of the last time: a Pod whose readiness flaps must not keep
// kube-apiserver busy, which loads the whole APIService again.
func (l leaving) unhurried(since time.Time) time.Time { return putOff(since, l.marked, time.Minute) }

// spaced puts off moments that come within the gap after the last time, so that no number of Pods that leave has the
// APIServices rewritten more often.
func spaced(moments []time.Time, marked time.Time, gap time.Duration) []time.Time {
	var later []time.Time
	for _, moment := range moments {
		later = append(later, putOff(moment, marked, gap))
	}
	return later
}

// putOff returns the end of the gap after the last time for a moment within it. What came before that time is past.
func putOff(moment, marked time.Time, gap time.Duration) time.Time {
	if next := marked.Add(gap); moment.After(marked) && moment.Before(next) {
		return next
	}
	return moment
}

// hasTurnedUnready reports whether requests were sent to a Pod that is not ready now. One that never was ready is
// unready since before its container ran; and a container that ended has taken its connections with it.
func hasTurnedUnready(pod *corev1.Pod) bool {
	ready := workload.Readiness(pod)
	return ready.Status == corev1.ConditionFalse &&
		slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
			running := status.State.Running
			return status.Name == v1alpha1.ServerContainer && running != nil &&
				ready.LastTransitionTime.After(running.StartedAt.Time)
		})
}

// split returns the last of the moments that have passed, and the time until the first of the others, 0 when there is
// none.
func split(moments []time.Time, now time.Time) (last time.Time, wait time.Duration) {
	for _, moment := range moments {
		left := moment.Sub(now)
		switch {
		case left > 0 && (wait == 0 || left < wait):
			wait = left
		case left <= 0 && moment.After(last):
			last = moment
		}
	}
	return last, wait
}

// prefix begins the comment, and the time ends it.
const prefix = "# reconnect, a Pod has left: "

var comment = regexp.MustCompile(`(?m)^` + prefix + `(\S+)$`)

// WithMarkOf returns a bundle with the comment of another one.
func WithMarkOf(other, bundle []byte) []byte {
	found := comment.Find(other)
	if found == nil {
		return bundle
	}
	return fmt.Appendf(bytes.TrimRight(comment.ReplaceAll(bundle, nil), "\n"), "\n%s\n", found)
}

// KeepMark returns a bundle with the comment of an earlier one, or without any.
func KeepMark(bundle, earlier []byte) []byte {
	return WithMarkOf(earlier, comment.ReplaceAll(bundle, nil))
}

// MarkOf returns the moment that a bundle was marked with, zero where there is none.
func MarkOf(bundle []byte) time.Time {
	match := comment.FindSubmatch(bundle)
	if match == nil {
		return time.Time{}
	}
	marked, _ := time.Parse(time.RFC3339, string(match[1]))
	return marked
}
