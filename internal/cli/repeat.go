// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"time"
)

// repeated is what is measured again and again.
type repeated struct {
	interval time.Duration
	// count is how often, 0 for until it is interrupted; live shows each round in place of the last one.
	count   int
	live    bool
	measure func(context.Context) error
	show    func() error
}

// repeat shows what was measured at the end, also after an interruption, unless there is nothing.
func (o *options) repeat(ctx context.Context, r repeated) error {
	for round := 1; ; round++ {
		switch err := r.measure(ctx); {
		case err != nil && (ctx.Err() == nil || round == 1):
			return err
		case round == r.count, ctx.Err() != nil:
			return r.show()
		}
		if err := o.pause(ctx, r); err != nil {
			return err
		}
	}
}

// pause waits for the next round, or for an interruption.
func (o *options) pause(ctx context.Context, r repeated) error {
	if r.live {
		if err := r.show(); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case <-o.clock.After(r.interval):
	}
	return nil
}
