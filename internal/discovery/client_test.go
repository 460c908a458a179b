// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"k8s.io/utils/clock"
)

// The kernel accepts connections for a stopped process, and they must not accumulate.
func TestConnectAttemptsEndSoonAfterTheirRequest(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	const timeout = time.Second
	client := &http.Client{Transport: newDirectTransport(clock.RealClock{}, Target{ServerName: "example.com"}, timeout)}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+silent.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := client.Do(request); err == nil {
		_ = response.Body.Close()
		t.Fatal("the request succeeded")
	}
	accepted, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := accepted.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, accepted); err != nil {
		t.Errorf("the connection stays open: %v", err)
	}
}

func TestAConnectionIsPingedOnlyIfTheNextRoundDoesNotComeFirst(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		time.Second: AggregatorTimeout, 30 * time.Second: 30 * time.Second,
	} {
		target := Target{Policy: Policy{Interval: interval}}
		after := newDirectTransport(clock.RealClock{}, target, time.Second).HTTP2.SendPingTimeout
		if next := scheduleAfter(target, 1, time.Time{}).due.Sub(time.Time{}); after != want || after < next {
			t.Errorf("at an interval of %s it is pinged after %s, want %s, and the next round comes after %s",
				interval, after, want, next)
		}
	}
}
