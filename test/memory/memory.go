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

// Allocated returns how many bytes are allocated while do runs, whether they are freed or not. Nothing else should run
// meanwhile.
func Allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
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
