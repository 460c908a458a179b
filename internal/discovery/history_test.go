// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var testPolicy = Policy{Limit: AggregatorTimeout, FailureThreshold: 3, SuccessThreshold: 2}

// historyOf adds a sample for each letter: g is good, s too slow, f failed.
func historyOf(letters string) *history {
	h := &history{}
	for _, letter := range letters {
		h.add(map[rune]Sample{
			'g': {Latency: time.Millisecond, Timing: Timing{Warm: true}},
			's': {Latency: 6 * time.Second, Timing: Timing{Warm: true}},
			'f': {Err: errors.New("answered 500")},
		}[letter], testPolicy)
	}
	return h
}

func TestOnlySeveralSamplesInARowTurnAStanding(t *testing.T) {
	for letters, want := range map[string]Standing{
		"":             Unsettled,
		"f":            Unsettled,
		"ff":           Unsettled,
		"fff":          Bad,
		"fsf":          Bad,
		"g":            Good,
		"ffg":          Good,
		"gff":          Good,
		"gffgff":       Good,
		"gfgfgfgfgfgf": Good, // one that flaps
		"gsss":         Bad,
		"gsssg":        Bad,
		"gsssgs":       Bad,
		"ssssgsgsgsgs": Bad,
		"gsssgg":       Good,
	} {
		if got := historyOf(letters).record().Standing; got != want {
			t.Errorf("after %q: %v, want %v", letters, got, want)
		}
	}
}

func TestRecordTellsTheWorstOfWhatMadeItBad(t *testing.T) {
	if worst := historyOf("gsfs").record().Worst; worst.Err == nil {
		t.Errorf("the worst is %+v, want the failure", worst)
	}
	if worst := historyOf("fffgg").record().Worst; worst != (Sample{}) {
		t.Errorf("it is good again, and still %+v is told", worst)
	}
	if last := historyOf("gs").record().Last; last.Latency != 6*time.Second {
		t.Errorf("the last is %+v", last)
	}
}

func TestFiguresAreOfTheLastAnswers(t *testing.T) {
	h := historyOf("f" + strings.Repeat("s", 3) + strings.Repeat("g", historySize-2))
	record := h.record()
	if record.Samples != historySize || record.P50 != time.Millisecond || record.Max != 6*time.Second ||
		record.P99 != 6*time.Second {
		t.Errorf("got %+v", record)
	}
	if last := h.record().Last; last.Latency != time.Millisecond {
		t.Errorf("the last is %+v", last)
	}
}

func TestConnectingCountsOnlyWhileThereIsNothingElse(t *testing.T) {
	h := &history{}
	h.add(Sample{Latency: time.Second}, testPolicy)
	if got := h.record(); got.Max != time.Second || got.Samples != 1 {
		t.Errorf("got %+v", got)
	}
	h.add(Sample{Latency: time.Millisecond, Timing: Timing{Warm: true}}, testPolicy)
	if got := h.record(); got.Max != time.Millisecond || got.Samples != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestPercentileIsByTheNearestRank(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for percent, want := range map[int]time.Duration{0: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(sorted, percent); got != want {
			t.Errorf("the %d. percentile is %d, want %d", percent, got, want)
		}
	}
}
