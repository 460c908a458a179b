// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"slices"
	"time"
)

// judgement derives a standing from samples.
type judgement struct {
	standing Standing
	since    time.Time
	// bad and good are the numbers of consecutive bad or good samples, near and far those of consecutive responses near
	// the limit or not.
	bad, good, near, far int
	isNear               bool
	// counted is when the last sample that counted was taken.
	counted time.Time
	// failures are the last bad samples that counted since the standing was Healthy, up to the failure threshold.
	failures []Sample
}

// pardon forgets why a replica is Unhealthy that has returned among the endpoints and answers: the reason was from
// before it left, and the standing would last until there were enough good samples.
func (j *judgement) pardon() {
	if j.standing == Unhealthy {
		*j = judgement{}
	}
}

// judge counts a sample. A bad sample, or a good one while the standing is Unhealthy, is not counted shortly after
// another such sample: frequent probes must not make a short disturbance, or a short recovery, count several times.
func (j *judgement) judge(sample Sample, at time.Time, limit time.Duration, policy Policy) {
	if j.since.IsZero() {
		j.since = at
	}
	isBad := sample.isBad(limit)
	sameAgain := isBad && j.bad > 0 || !isBad && j.good > 0 && j.standing == Unhealthy
	if sameAgain && at.Sub(j.counted) < policy.Interval/2 {
		return
	}
	j.counted = at
	if isBad {
		j.addBad(sample, at, policy)
		return
	}
	j.bad, j.good = 0, j.good+1
	if j.good >= policy.SuccessThreshold {
		j.turn(Healthy, at)
		j.failures = nil
	}
	j.addNear(sample.Latency >= policy.Warning, policy)
}

func (j *judgement) addBad(sample Sample, at time.Time, policy Policy) {
	if j.bad > 0 && wasSent(j.failures[len(j.failures)-1]) != wasSent(sample) {
		j.bad, j.failures = 0, nil // requests that could not be sent and those that failed are not counted together
	}
	j.bad, j.good = j.bad+1, 0
	for _, earlier := range j.failures {
		// A persistent failure keeps its message, though that of the server may vary.
		if compareKinds(earlier, sample) == 0 {
			sample.Err = earlier.Err
		}
	}
	j.failures = append(j.failures, sample)
	j.failures = j.failures[max(0, len(j.failures)-policy.FailureThreshold):]
	if j.bad >= policy.FailureThreshold {
		j.turn(Unhealthy, at)
	}
}

func (j *judgement) addNear(near bool, policy Policy) {
	if near {
		j.near, j.far = j.near+1, 0
	} else {
		j.near, j.far = 0, j.far+1
	}
	switch {
	case j.near >= policy.FailureThreshold:
		j.isNear = true
	case j.far >= policy.SuccessThreshold:
		j.isNear = false
	}
}

func (j *judgement) turn(standing Standing, at time.Time) {
	if j.standing != standing {
		j.standing, j.since = standing, at
	}
}

// worst returns the worst bad sample, the zero value if there is none.
func (j *judgement) worst() Sample {
	if len(j.failures) == 0 {
		return Sample{}
	}
	return slices.MaxFunc(j.failures, CompareSeverity)
}

func wasSent(sample Sample) bool { return ClassOf(sample) != ClassNotSent }
