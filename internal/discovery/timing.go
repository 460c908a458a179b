// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Timing splits the latency of a request into its parts.
type Timing struct {
	// Connect is the time until there was a connection: for dialing and the handshake, or for waiting for another
	// request's.
	Connect time.Duration
	// Wait is the time until the first byte of the response, or until the request failed.
	Wait time.Duration
	// Transfer is the time until the last byte of the response.
	Transfer time.Duration
	// Warm is true if the connection was reused.
	Warm bool
}

// slowestPart returns the longest part, and a phrase that completes "6.1s …".
func (t Timing) slowestPart() (part time.Duration, doing string) {
	switch max(t.Connect, t.Wait, t.Transfer) {
	case t.Wait:
		return t.Wait, "waiting for"
	case t.Connect:
		return t.Connect, "connecting to"
	default:
		return t.Transfer, "reading from"
	}
}

// stopwatch measures one request.
type stopwatch struct {
	clock clock.PassiveClock
	start time.Time

	// mu: a trace may be called by the transport's goroutines, also after the request has ended.
	mu               sync.Mutex
	connected, first time.Time
	// dialing and dialed are true if a connection was started and established for this request, reused if it got an
	// existing one.
	dialing, dialed, reused bool
}

// watch returns a context that traces the request.
func (w *stopwatch) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectStart: func(string, string) { w.note(func() { w.dialing = true }) },
		ConnectDone: func(_, _ string, err error) {
			w.note(func() { w.dialed = w.dialed || err == nil })
		},
		GotConn: func(info httptrace.GotConnInfo) {
			w.note(func() { w.connected, w.reused = w.clock.Now(), info.Reused })
		},
		GotFirstResponseByte: func() { w.note(func() { w.first = w.clock.Now() }) },
	})
}

func (w *stopwatch) note(what func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
}

// hasReached reports whether a connection was established. One to a kube-apiserver is when the TLS handshake is
// complete: the kernel accepts connections for a process that hangs, and whether that reaches the server is not known
// then.
func (w *stopwatch) hasReached(view View) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if view == ViewKubeAPIServer {
		return !w.connected.IsZero()
	}
	return w.dialed || w.reused
}

// stop returns the latency of the request and its parts.
func (w *stopwatch) stop() Sample {
	end := w.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	connected, first := w.connected, w.first
	if connected.IsZero() {
		connected = end
	}
	if first.IsZero() {
		first = end
	}
	return Sample{Latency: end.Sub(w.start), Timing: Timing{
		Connect:  connected.Sub(w.start),
		Wait:     first.Sub(connected),
		Transfer: end.Sub(first),
		// A request that waited for another one's new connection is not warm, though it reused it.
		Warm: w.reused && !w.dialing,
	}}
}
