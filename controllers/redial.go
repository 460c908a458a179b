// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// leaveAfter is how long after the beginning of its end no new connection leads to a Pod any more: its endpoint is no
// longer ready, and every kube-proxy has learned of it. The preStop sleep of the template is longer.
const leaveAfter = 5 * time.Second

// withRedial adds to the bundle a comment that changes each time a Pod ends. kube-apiserver sends all requests over one
// HTTP/2 connection, which it would keep to a Pod that is about to end: the server, once it is told to stop, refuses
// requests on it for a moment (k8s.io/apiserver pkg/server/filters/waitgroup.go). Another caBundle makes kube-apiserver
// connect anew (kube-aggregator pkg/apiserver/handler_proxy.go), to a Pod that stays, while open requests go on.
func (r *Reconciler) withRedial(
	ctx context.Context, s *scope, registered map[string]*apiregistrationv1.APIService,
) ([]byte, error) {
	if s.trust == nil || s.Spec.Server == nil {
		return s.trust, nil
	}
	pods, err := r.serverPods(ctx, s)
	if err != nil {
		return nil, err
	}
	last, wait := lastLeave(pods, r.Clock.Now())
	if wait > 0 {
		s.requeueAfter(wait)
	}
	for _, apiService := range registered {
		if told := toldLeave(apiService.Spec.CABundle); told.After(last) {
			last = told
		}
	}
	if last.IsZero() {
		return s.trust, nil
	}
	return fmt.Appendf(slices.Clip(s.trust), "%s%s\n", leavePrefix, pki.Timestamp(last)), nil
}

// lastLeave returns when the last of the Pods that no new connection leads to any more began to end, and the time until
// there is another such Pod, 0 when there is none.
func lastLeave(pods []corev1.Pod, now time.Time) (last time.Time, wait time.Duration) {
	for i := range pods {
		ends, grace := pods[i].DeletionTimestamp, pods[i].DeletionGracePeriodSeconds
		if ends == nil || grace == nil {
			continue
		}
		began := ends.Add(-time.Duration(*grace) * time.Second)
		left := began.Add(leaveAfter).Sub(now)
		switch {
		case left > 0 && (wait == 0 || left < wait):
			wait = left
		case left <= 0 && began.After(last):
			last = began
		}
	}
	return last, wait
}

// leavePrefix begins the comment, and the time ends it.
const leavePrefix = "# connect anew, a Pod has ended: "

var leaveComment = regexp.MustCompile(`(?m)^` + leavePrefix + `(\S+)$`)

// toldLeave returns the time in a bundle's comment, zero where there is none.
func toldLeave(bundle []byte) time.Time {
	match := leaveComment.FindSubmatch(bundle)
	if match == nil {
		return time.Time{}
	}
	told, _ := time.Parse(time.RFC3339, string(match[1]))
	return told
}
