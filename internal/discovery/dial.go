// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net"
	"time"

	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// redialAfter is how long an attempt to connect may be silent before another is made beside it. A first packet that is
// lost while the network learns of a new Service would otherwise be repeated by TCP only after a second.
const redialAfter = 200 * time.Millisecond

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// persistently returns a dial that tries again beside attempts that are silent, and returns what the first attempt to
// end brings.
func persistently(clk clock.Clock, dial dial) dial {
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

// attempt is what became of an attempt to connect.
type attempt struct {
	connection net.Conn
	err        error
}

// report closes a connection that nobody waits for any more.
func (a attempt) report(ctx context.Context, ended chan<- attempt) {
	select {
	case ended <- a:
	case <-ctx.Done():
		if a.connection != nil {
			_ = a.connection.Close()
		}
	}
}
