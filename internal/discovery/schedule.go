// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// schedule is when the next whole round of a loop is due.
type schedule struct {
	due time.Time
	// interval is the time between two rounds: that of the target, or longer where the requests of one take longer at
	// their rate.
	interval time.Duration
	// takes is how long a round may take, when none of its requests is answered.
	takes time.Duration
}

// scheduleAfter returns when the round is due that follows one of so many requests.
func scheduleAfter(target Target, requests int, now time.Time) schedule {
	pace := pace(requests)
	// Earlier than the interval: a failure must be reported within as many intervals as the threshold has, and the limit.
	early := wait.Jitter(target.Interval*17/20, 0.05)
	return schedule{
		due: now.Add(max(early, pace)), interval: max(target.Interval, pace), takes: target.longest(requests),
	}
}

// pace is how long so many requests take at their rate.
func pace(requests int) time.Duration {
	return time.Duration(requests) * time.Second / limits.ProbesPerSecond
}

// longest is how long a round of so many requests takes when none is answered in time.
func (p Policy) longest(requests int) time.Duration {
	turns := (requests + limits.ProbesInFlightOfOne - 1) / limits.ProbesInFlightOfOne
	return pace(requests) + time.Duration(turns)*p.timeout()
}

// overdue is for how long the round has been waited for, beyond the time that the one before may take.
func (s schedule) overdue(now time.Time) time.Duration { return max(0, now.Sub(s.due)-s.takes) }

func (l *loop) reschedule(next schedule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.schedule = next
}

func (l *loop) scheduled() schedule {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.schedule
}
