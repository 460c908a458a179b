// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"k8s.io/utils/clock"
)

func TestDialStartsAnotherAttemptAfterAPacketLoss(t *testing.T) {
	connection, other := net.Pipe()
	defer func() { _, _ = connection.Close(), other.Close() }()
	var attempts atomic.Int32
	gaveUp := make(chan struct{})
	got, err := dialRepeatedly(clock.RealClock{}, func(ctx context.Context, _, _ string) (net.Conn, error) {
		if attempts.Add(1) == 1 {
			<-ctx.Done()
			close(gaveUp)
			return nil, ctx.Err()
		}
		return connection, nil
	})(t.Context(), "tcp", "service:443")
	if err != nil || got != connection {
		t.Fatalf("got %v, %v", got, err)
	}
	<-gaveUp // the first attempt is cancelled
}

func TestDialReturnsTheFirstRefusal(t *testing.T) {
	refused := errors.New("connection refused")
	var attempts atomic.Int32
	_, err := dialRepeatedly(clock.RealClock{}, func(context.Context, string, string) (net.Conn, error) {
		attempts.Add(1)
		return nil, refused
	})(t.Context(), "tcp", "service:443")
	if !errors.Is(err, refused) || attempts.Load() != 1 {
		t.Errorf("got %v after %d attempts", err, attempts.Load())
	}
}

func TestDialReturnsWhenItsContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := dialRepeatedly(clock.RealClock{}, func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})(ctx, "tcp", "service:443")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
