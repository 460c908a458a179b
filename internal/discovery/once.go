// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"crypto/tls"
	"net/http"

	"k8s.io/utils/clock"
)

// Once sends one request, with the credentials of the client, and measures it: for programs that look at a cluster
// once, and do not wait for several results in a row.
func Once(ctx context.Context, clk clock.PassiveClock, httpClient *http.Client, key Key) Sample {
	timeout := Policy{Limit: AggregatorTimeout}.timeout()
	return requester{clock: clk, client: httpClient, timeout: timeout}.do(ctx, key)
}

// CauseThrough returns the reason for a bad result through a kube-apiserver, and the advice, as far as the response
// shows them: nothing is known of the replicas.
func CauseThrough(sample Sample) (reason, advice string) {
	found := causeThrough(sample)
	return found.reason, found.advice
}

// CauseOfCheck returns the reason for an error of kube-apiserver's own check of discovery, and the advice.
func CauseOfCheck(text string) (reason, advice string) {
	found := causeOfCheck(text)
	return found.reason, found.advice
}

// CauseOfCertificate returns the reason for which a certificate is not accepted, in the words of a probe of a replica
// that serves it, and the advice.
func CauseOfCertificate(err error) (reason, text, advice string) {
	sample := Sample{Err: newProbeError(&tls.CertificateVerificationError{Err: err}, 0, true)}
	found := replicaFailures[ClassOf(sample)]
	return found.reason, sample.Err.Error(), found.advice
}

// Rounded formats a latency as in messages.
func (s Sample) Rounded() string { return rounded(s.Latency).String() }
