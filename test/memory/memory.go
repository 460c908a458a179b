// SPDX-License-Identifier: Apache-2.0

// Package memory measures the memory use of a function, for tests of its limits.
package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// allocatedBy returns how many bytes are allocated while do runs, including those that are freed again. Nothing else
// should run at the same time.
func allocatedBy(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Least returns how many bytes are allocated while do runs: in the first of up to five runs that allocates no more than
// enough, or else in the last one. Other goroutines, such as those of Go's fuzzer, may allocate at the same time.
func Least(enough uint64, do func()) (allocated uint64) {
	for range 5 {
		if allocated = allocatedBy(do); allocated <= enough {
			break
		}
	}
	return allocated
}

// Growth returns the maximum growth of the heap in bytes while do runs, including garbage that is not collected yet.
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
