// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net"
	"time"

	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// redialAfter is how long an attempt to connect may take before another one starts in parallel. TCP would retransmit a
// first packet, lost while the network is still being programmed for a new Service, only after a second.
const redialAfter = 200 * time.Millisecond

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// dialRepeatedly returns a dial that starts further attempts in parallel to pending ones, and returns the result of the
// first one to finish.
func dialRepeatedly(clk clock.Clock, dial dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan attempt)
		silent := clk.NewTimer(redialAfter)
		defer silent.Stop()
		for made := 0; ; {
			if made < limits.DialsOfRequest {
				made++
				go func() {
					connection, err := dial(ctx, network, address)
					attempt{connection, err}.report(ctx, ended)
				}()
			}
			select {
			case first := <-ended:
				return first.connection, first.err
			case <-silent.C():
				silent.Reset(redialAfter)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// attempt is the result of an attempt to connect.
type attempt struct {
	connection net.Conn
	err        error
}

// report closes a connection that is no longer needed.
func (a attempt) report(ctx context.Context, ended chan<- attempt) {
	select {
	case ended <- a:
	case <-ctx.Done():
		if a.connection != nil {
			_ = a.connection.Close()
		}
	}
}
