// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// schedule is when the next full round of a loop is due.
type schedule struct {
	due time.Time
	// interval is the time between two rounds: that of the target, or longer if the requests of a round take longer at the
	// rate limit.
	interval time.Duration
	// takes is the duration of a round if none of its requests gets a response.
	takes time.Duration
}

// scheduleAfter returns the schedule after a round with that many requests.
func scheduleAfter(target Target, requests int, now time.Time) schedule {
	pace := pace(requests)
	// Earlier than the interval: a failure must be reported within failureThreshold intervals plus the limit.
	early := wait.Jitter(target.Interval*17/20, 0.05)
	return schedule{
		due: now.Add(max(early, pace)), interval: max(target.Interval, pace), takes: target.longest(requests),
	}
}

// spread moves a round to a random time in the second half of what is left: after a restart all loops begin at once,
// and would go on like that.
func (s schedule) spread(now time.Time) schedule {
	s.due = now.Add(wait.Jitter(s.due.Sub(now)/2, 1))
	return s
}

// pace returns how long that many requests take at the rate limit.
func pace(requests int) time.Duration {
	return time.Duration(requests) * time.Second / limits.ProbesPerSecond
}

// longest returns how long a round of that many requests takes if all of them time out.
func (p Policy) longest(requests int) time.Duration {
	turns := (requests + limits.ProbesInFlightOfOne - 1) / limits.ProbesInFlightOfOne
	return pace(requests) + time.Duration(turns)*p.timeout()
}

// overdue returns how long the round has been due, beyond the maximum duration of the previous one.
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
