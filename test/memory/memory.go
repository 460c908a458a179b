// SPDX-License-Identifier: Apache-2.0

// Package memory measures what a piece of code costs, for tests that it stays within bounds.
package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// allocatedBy returns how many bytes are allocated while do runs, whether they are freed or not. Nothing else should
// run meanwhile.
func allocatedBy(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Least returns how many bytes are allocated while do runs, in the first of a few runs in which these are no more than
// enough, or in the last one. What else runs meanwhile, such as Go's fuzzer, allocates something now and then.
func Least(enough uint64, do func()) (allocated uint64) {
	for range 5 {
		if allocated = allocatedBy(do); allocated <= enough {
			break
		}
	}
	return allocated
}

// Growth returns by how many bytes the heap grows at most while do runs, garbage that is not collected yet included.
func Growth(tb testing.TB, do func()) uint64 {
	tb.Helper()
	const eager = 10
	defer debug.SetGCPercent(debug.SetGCPercent(eager))
	runtime.GC()
	before, done, peak := heap(), make(chan struct{}), make(chan uint64)
	go func() {
		highest := before
		for {
			highest = max(highest, heap())
			select {
			case <-done:
				peak <- highest
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	return <-peak - before
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
