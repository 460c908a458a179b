// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

var testPolicy = Policy{
	Interval: 30 * time.Second, Limit: AggregatorTimeout, Warning: AggregatorTimeout / 2,
	FailureThreshold: 3, SuccessThreshold: 2,
}

// addAll adds a sample for each letter, of requests with that pause in between: g is good, n near the limit, s too
// slow, f failed.
func (h *history) addAll(letters string, pause time.Duration) *history {
	at := time.Unix(0, 0)
	for _, letter := range letters {
		at = at.Add(pause)
		h.add(map[rune]Sample{
			'g': {Latency: time.Millisecond, Timing: Timing{Warm: true}},
			'n': {Latency: 3 * time.Second, Timing: Timing{Warm: true}},
			's': {Latency: 6 * time.Second, Timing: Timing{Warm: true}},
			'f': {Err: &ProbeError{Class: ClassServerError, Text: fmt.Sprint("answered 500: request ", at.Unix()), Status: 500}},
		}[letter], at, testPolicy.Limit, testPolicy)
	}
	return h
}

func historyOf(letters string) *history { return (&history{}).addAll(letters, testPolicy.Interval) }

func TestStandingChangesOnlyAfterConsecutiveSamples(t *testing.T) {
	for letters, want := range map[string]Standing{
		"":             Unsettled,
		"f":            Unsettled,
		"ff":           Unsettled,
		"fff":          Unhealthy,
		"fsf":          Unhealthy,
		"g":            Unsettled,
		"gg":           Healthy,
		"ffgg":         Healthy,
		"ggff":         Healthy,
		"ggffgff":      Healthy,
		"ggfgfgfgfgfg": Healthy, // one that flaps
		"ggsss":        Unhealthy,
		"ggsssg":       Unhealthy,
		"ggsssgs":      Unhealthy,
		"ssssgsgsgsgs": Unhealthy,
		"ggsssgg":      Healthy,
	} {
		if got := historyOf(letters).record(testPolicy).Standing; got != want {
			t.Errorf("after %q: %v, want %v", letters, got, want)
		}
	}
}

func TestShortDisturbancesCountOnceHoweverOftenProbed(t *testing.T) {
	if got := (&history{}).addAll("ggffffffffff", time.Second).record(testPolicy).Standing; got != Healthy {
		t.Errorf("ten failures within ten seconds make it %v", got)
	}
	if got := (&history{}).addAll(strings.Repeat("f", 100), time.Second).record(testPolicy).Standing; got != Unhealthy {
		t.Errorf("100 seconds of failures make it %v", got)
	}
}

func TestShortRecoveriesDoNotEndABreachHoweverOftenProbed(t *testing.T) {
	h := historyOf("ggsss")
	for i := range 10 {
		at := time.Unix(0, 0).Add(6*testPolicy.Interval + time.Duration(i)*time.Second)
		h.add(Sample{Latency: time.Millisecond}, at, testPolicy.Limit, testPolicy)
	}
	if got := h.record(testPolicy).Standing; got != Unhealthy {
		t.Errorf("ten good samples within ten seconds make it %v", got)
	}
}

func TestProbesThatCannotBeSentAreNotFailures(t *testing.T) {
	h := historyOf("ggf")
	for i := range 2 {
		at := time.Unix(0, 0).Add(time.Duration(4+i) * testPolicy.Interval)
		h.add(Sample{Err: notSent(errors.New("no token"))}, at, testPolicy.Limit, testPolicy)
	}
	if got := h.record(testPolicy).Standing; got != Healthy {
		t.Errorf("one failure and two probes that were not sent make it %v", got)
	}
}

func TestPersistentFailuresKeepTheirText(t *testing.T) {
	first, later := historyOf("fff").record(testPolicy).Worst, historyOf("fffff").record(testPolicy).Worst
	if errorText(first.Err) != errorText(later.Err) {
		t.Errorf("%v became %v", first.Err, later.Err)
	}
}

func TestNewPoliciesRejudgeStoredSamples(t *testing.T) {
	h, strict := historyOf("nnnn"), testPolicy
	strict.Limit = time.Second
	h.rejudge(strict.Limit, strict)
	if got := h.record(strict); got.Standing != Unhealthy || got.Worst.Latency != 3*time.Second {
		t.Errorf("with a limit of 1s answers in 3s are %+v", got)
	}
	h.rejudge(testPolicy.Limit, testPolicy)
	if got := h.record(testPolicy); got.Standing != Healthy {
		t.Errorf("with a limit of 5s answers in 3s are %+v", got)
	}
}

func TestFailuresSurviveNewPoliciesWithTheirText(t *testing.T) {
	h, patient := historyOf("ggffff"), testPolicy
	before := h.record(testPolicy)
	patient.Limit, patient.FailureThreshold = time.Minute, 4
	h.rejudge(patient.Limit, patient)
	after := h.record(patient)
	if after.Standing != Unhealthy || errorText(after.Worst.Err) != errorText(before.Worst.Err) {
		t.Errorf("%s (%v) became %+v", before.Worst.Err, before.Standing, after)
	}
}

func TestFailuresWithoutStoredTextNameTheirKind(t *testing.T) {
	h, patient := historyOf("fggg"), testPolicy
	patient.FailureThreshold, patient.SuccessThreshold = 1, 4
	h.rejudge(patient.Limit, patient)
	if got := errorText(h.record(patient).Worst.Err); got != "answered 500 Internal Server Error" {
		t.Errorf("got %q", got)
	}
}

func TestLeftOutCountsOnlyAfterConsecutiveResponses(t *testing.T) {
	h := &history{}
	add := func(resources int) {
		answer := Content{Listed: map[schema.GroupVersion]int{groupVersion: resources}}
		h.add(Sample{Content: answer}, time.Unix(0, 0), testPolicy.Limit, testPolicy)
	}
	for range testPolicy.FailureThreshold - 1 {
		add(0)
	}
	if got := h.record(testPolicy).Omitted; len(got) > 0 {
		t.Errorf("%v is left out too soon", got)
	}
	add(0)
	if got := h.record(testPolicy).Omitted; len(got) != 1 {
		t.Errorf("%v is left out", got)
	}
	add(1)
	if got := h.record(testPolicy).Omitted; len(got) > 0 {
		t.Errorf("%v is left out though it is listed again", got)
	}
}

func TestSampleContentIsNotStored(t *testing.T) {
	h := &history{}
	h.add(Sample{Content: Content{Resources: 1, Listed: map[schema.GroupVersion]int{groupVersion: 1}}}, time.Unix(0, 0),
		testPolicy.Limit, testPolicy)
	if kept := h.last; kept.Listed != nil || h.record(testPolicy).Content.Resources != 1 {
		t.Errorf("kept %+v", kept)
	}
}

func TestNearChangesOnlyAfterConsecutiveSamples(t *testing.T) {
	for letters, want := range map[string]bool{
		"nn": false, "nnn": true, "nnng": true, "nnngg": false, "ngngngn": false, "nnngngngn": true, "nnnsss": true,
	} {
		if got := historyOf(letters).record(testPolicy).Near; got != want {
			t.Errorf("after %q near is %v", letters, got)
		}
	}
}

func TestRecordHasTheWorstSampleOfABadStanding(t *testing.T) {
	if worst := historyOf("ggsfs").record(testPolicy).Worst; worst.Err == nil {
		t.Errorf("the worst is %+v, want the failure", worst)
	}
	if worst := historyOf("sssgs").record(testPolicy).Worst; worst.Latency != 6*time.Second {
		t.Errorf("it is bad, and the worst is %+v", worst)
	}
	if worst := historyOf("fffgg").record(testPolicy).Worst; worst.Err != nil {
		t.Errorf("it is good again, but the worst is still %+v", worst)
	}
	if last := historyOf("gs").record(testPolicy).Last; last.Latency != 6*time.Second {
		t.Errorf("the last is %+v", last)
	}
}

func TestPercentilesAreOfTheLastResponses(t *testing.T) {
	h := historyOf("f" + strings.Repeat("s", 3) + strings.Repeat("g", limits.Samples-2))
	record := h.record(testPolicy)
	if record.Samples != limits.Samples || record.P50 != time.Millisecond || record.Max != 6*time.Second ||
		record.P99 != 6*time.Second {
		t.Errorf("got %+v", record)
	}
	if last := h.record(testPolicy).Last; last.Latency != time.Millisecond {
		t.Errorf("the last is %+v", last)
	}
}

func TestNewConnectionsCountOnlyWithoutReusedOnes(t *testing.T) {
	h := &history{}
	h.add(Sample{Latency: time.Second}, time.Unix(0, 0), testPolicy.Limit, testPolicy)
	if got := h.record(testPolicy); got.Max != time.Second || got.Samples != 1 {
		t.Errorf("got %+v", got)
	}
	h.addAll("g", time.Second)
	if got := h.record(testPolicy); got.Max != time.Millisecond || got.Samples != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestPercentileUsesTheNearestRank(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for percent, want := range map[int]time.Duration{0: 1, 50: 50, 99: 99, 100: 100} {
		if got := Percentile(sorted, percent); got != want {
			t.Errorf("the %d. percentile is %d, want %d", percent, got, want)
		}
	}
}
