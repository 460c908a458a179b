// SPDX-License-Identifier: Apache-2.0

// Package podcheck reads why a Pod is not ready: the Events about it, and what the server in it responds to
// GET /readyz?verbose. It waits for the Pod's network, so it runs in the background. It sends no credentials.
package podcheck

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

const (
	// timeout bounds a request.
	timeout = 3 * time.Second
	// maxEvents bounds how many Events about a Pod are read. The kubelet has one for each distinct message.
	maxEvents = 100
	// maxChecks and maxName bound what is kept of the checks that fail, in names and in bytes.
	maxChecks = 10
	maxName   = 100
)

// Check reads the Events about a Pod from reader, and its checks from address (host:port), which may be empty. What
// cannot be read is left out.
func Check(ctx context.Context, reader client.Reader, pod *corev1.Pod, address string) (cause workload.Cause) {
	cause.Since = workload.UnreadySince(pod)
	cause.Events = warnings(ctx, reader, pod)
	cause.RecreatedAccount = recreatedAccount(ctx, reader, pod)
	if address != "" {
		cause.Readyz = readyz(ctx, address)
	}
	return cause
}

// +kubebuilder:rbac:groups="",resources=events,verbs=list

// warnings returns the last warning of each reason, the newest first.
func warnings(ctx context.Context, reader client.Reader, pod *corev1.Pod) []workload.Event {
	list := &corev1.EventList{}
	if err := reader.List(ctx, list, client.InNamespace(pod.Namespace), client.Limit(maxEvents),
		client.MatchingFields{"involvedObject.uid": string(pod.UID)}); err != nil {
		return nil
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return lastSeen(&b).Compare(lastSeen(&a)) })
	var result []workload.Event
	for i := range list.Items {
		event := workload.Event{Reason: list.Items[i].Reason, Message: excerpt.Quote(list.Items[i].Message)}
		isOf := func(other workload.Event) bool { return other.Reason == event.Reason }
		if list.Items[i].Type == corev1.EventTypeWarning && isRecent(&list.Items[i], pod) &&
			!slices.ContainsFunc(result, isOf) {
			result = append(result, event)
		}
	}
	return result
}

// beforeUnready is how long before a Pod turned unready the first warning of its cause may be: a probe fails several
// times before that.
const beforeUnready = 2 * time.Minute

// isRecent reports whether an Event can be about the time since which a Pod is not ready. Events are kept for an hour.
func isRecent(event *corev1.Event, pod *corev1.Pod) bool {
	return !lastSeen(event).Before(workload.UnreadySince(pod).Add(-beforeUnready))
}

// recreatedAccount returns the name of the Pod's ServiceAccount if it was recreated after the Pod, empty otherwise. The
// Pod's token is then no longer valid: it is bound to the UID of the earlier one.
func recreatedAccount(ctx context.Context, reader client.Reader, pod *corev1.Pod) string {
	account := &corev1.ServiceAccount{}
	key := client.ObjectKey{Namespace: pod.Namespace, Name: pod.Spec.ServiceAccountName}
	if err := reader.Get(ctx, key, account); err != nil || !account.CreationTimestamp.After(pod.CreationTimestamp.Time) {
		return ""
	}
	return account.Name
}

// lastSeen is when an Event last occurred, by whichever of its three fields its source sets.
func lastSeen(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	default:
		return event.EventTime.Time
	}
}

// readyz returns the checks that fail.
func readyz(ctx context.Context, address string) (r workload.Readyz) {
	body, ok := get(ctx, address, "/readyz?verbose")
	if ok {
		return r
	}
	if r.Failed = failedChecks(body); len(r.Failed) > 0 {
		_, r.Healthy = get(ctx, address, "/healthz")
	}
	return r
}

// Storage returns what a server says of its storage. k8s.io/apiserver names the checks of it etcd and etcd-readiness,
// whatever database is behind them (pkg/server/options/etcd.go).
func Storage(ctx context.Context, address string) storage.Check {
	body, _ := get(ctx, address, "/readyz?verbose")
	check := storage.Silent
	for line := range strings.Lines(body) {
		switch {
		case strings.HasPrefix(line, "[-]etcd"):
			return storage.Failing
		case strings.HasPrefix(line, "[+]etcd"):
			check = storage.Passing
		}
	}
	return check
}

// get returns the beginning of a response, and whether it is OK.
func get(ctx context.Context, address, path string) (body string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, http.NoBody)
	if err != nil {
		return "", false
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			// Its certificate may be the trouble.
			InsecureSkipVerify: true, //nolint:gosec // no credentials are sent, and the response is only quoted
		},
	}
	httpClient := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }()
	beginning, _ := io.ReadAll(io.LimitReader(response.Body, limits.Checks))
	return string(beginning), response.StatusCode == http.StatusOK
}

// failedChecks returns the names in lines such as "[-]etcd failed: reason withheld"
// (k8s.io/apiserver pkg/server/healthz).
func failedChecks(body string) (failed []string) {
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() && len(failed) < maxChecks {
		if check, found := strings.CutPrefix(lines.Text(), "[-]"); found {
			name, _, _ := strings.Cut(check, " ")
			failed = append(failed, excerpt.Of(name, maxName))
		}
	}
	return failed
}
