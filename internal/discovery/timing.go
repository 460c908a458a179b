// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Timing tells where the time of a request went. The parts add up to its latency.
type Timing struct {
	// Connect is the time until there was a connection: to dial and shake hands, or to wait for those who did.
	Connect time.Duration
	// Wait is the time until the first byte of the answer, or until the request failed.
	Wait time.Duration
	// Transfer is the time until the last byte of it.
	Transfer time.Duration
	// Warm tells that the connection was there before.
	Warm bool
}

// slowestPart names the longest part in words that complete "6.1s …".
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

// stopwatch notes what happens to one request.
type stopwatch struct {
	clock clock.PassiveClock
	start time.Time

	// mu: a trace may be called by the transport's goroutines, also after the request has ended.
	mu               sync.Mutex
	connected, first time.Time
	// dialing and dialed tell that a connection was begun and made for this request, and reused that it had another one.
	dialing, dialed, reused bool
}

// watch returns a context that has what is asked with it traced.
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

// hasDialed tells whether somebody accepted a connection.
func (w *stopwatch) hasDialed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dialed || w.reused
}

// stop returns how long the request took, and where the time went.
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
		// One that waited for the connection of another is not warm, though it was reused.
		Warm: w.reused && !w.dialing,
	}}
}
