// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"net/http"
	"testing"
	"time"
)

func TestTimingSplitsTheLatency(t *testing.T) {
	const pause = 500 * time.Millisecond
	tests := map[string]struct {
		handler http.HandlerFunc
		part    func(Timing) time.Duration
		doing   string
	}{
		"before the response": {
			func(w http.ResponseWriter, _ *http.Request) {
				<-time.After(pause)
				_, _ = w.Write([]byte(goodAnswer))
			},
			func(timing Timing) time.Duration { return timing.Wait }, "waiting for",
		},
		"during the response": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(goodAnswer[:10]))
				_ = http.NewResponseController(w).Flush()
				<-time.After(pause)
				_, _ = w.Write([]byte(goodAnswer[10:]))
			},
			func(timing Timing) time.Duration { return timing.Transfer }, "reading from",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, address := serve(t, test.handler)
			cold, warm := probeAt(t, server.Client(), address), probeAt(t, server.Client(), address)
			if cold.Err != nil || warm.Err != nil {
				t.Fatalf("%v, %v", cold.Err, warm.Err)
			}
			if cold.Timing.Warm || cold.Timing.Connect == 0 || !warm.Timing.Warm {
				t.Errorf("the first request was %+v, the second %+v", cold.Timing, warm.Timing)
			}
			for _, sample := range []Sample{cold, warm} {
				if sum := sample.Timing.Connect + sample.Timing.Wait + sample.Timing.Transfer; sum != sample.Latency {
					t.Errorf("the parts add up to %s of %s", sum, sample.Latency)
				}
				if part := test.part(sample.Timing); part < sample.Latency/3 {
					t.Errorf("the part is %s of %s", part, sample.Latency)
				}
			}
			if _, doing := warm.Timing.slowestPart(); doing != test.doing {
				t.Errorf("the slowest part is %q", doing)
			}
		})
	}
}
