// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
)

func TestDoctorLooksAgainWhileSomethingIsBroken(t *testing.T) {
	for name, test := range map[string]struct {
		wait time.Duration
		// recovers is the look that finds kube-apiserver healthy, 0 for none.
		recovers, looks int32
		want            check.Level
	}{
		"once without --wait":       {0, 2, 1, check.Broken},
		"until it recovers":         {time.Minute, 3, 3, check.OK},
		"until the time is up":      {12 * time.Second, 0, 3, check.Broken},
		"once if nothing is broken": {time.Minute, 1, 1, check.OK},
	} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int32
			// Only the version can be read, and only when it has recovered.
			cluster := connecttest.Cluster(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				if look := looks.Add(1); test.recovers == 0 || look < test.recovers {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				w.Header()["Date"] = nil // the clock of the test is another one
				_, _ = io.WriteString(w, `{"gitVersion":"v1.36.3"}`)
			}))
			d := &doctor{
				options: &options{clock: stepping{clocktesting.NewFakeClock(noon)}, IOStreams: genericiooptions.IOStreams{}},
				wait:    test.wait,
			}
			report, err := d.examine(t.Context(), cluster, nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.Level() != test.want || looks.Load() != test.looks {
				t.Errorf("after %d looks it is %s, want %d looks and %s", looks.Load(), report.Level(), test.looks, test.want)
			}
		})
	}
}

// stepping is a clock on which a time that is waited for passes at once.
type stepping struct{ *clocktesting.FakeClock }

func (s stepping) After(d time.Duration) <-chan time.Time {
	passed := s.FakeClock.After(d)
	s.Step(d)
	return passed
}
