// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestRoundsAreRepeatedAndShown(t *testing.T) {
	failing := errors.New("failing")
	for name, test := range map[string]struct {
		count int
		live  bool
		// failsAt and interruptedAt are rounds, 0 for never.
		failsAt, interruptedAt int
		measured, shown        int
		err                    error
	}{
		"in a pipe":                   {3, false, 0, 0, 3, 1, nil},
		"on a terminal":               {3, true, 0, 0, 3, 3, nil},
		"until it fails":              {0, true, 2, 0, 2, 1, failing},
		"until it is interrupted":     {0, false, 0, 4, 4, 1, nil},
		"interrupted before anything": {0, false, 1, 1, 1, 0, failing},
		"interrupted while measuring": {0, false, 2, 2, 2, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := &options{clock: stepping{clocktesting.NewFakeClock(noon)}}
			measured, shown := 0, 0
			err := o.repeat(ctx, repeated{
				interval: time.Minute, count: test.count, live: test.live,
				measure: func(context.Context) error {
					if measured++; measured == test.interruptedAt {
						cancel()
					}
					if measured == test.failsAt {
						return failing
					}
					return nil
				},
				show: func() error {
					shown++
					return nil
				},
			})
			if !errors.Is(err, test.err) || measured != test.measured || shown != test.shown {
				t.Errorf("measured %d times, shown %d times, %v", measured, shown, err)
			}
		})
	}
}
