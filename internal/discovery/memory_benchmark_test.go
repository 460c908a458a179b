// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// BenchmarkMemory measures the memory of one ExtensionAPI with the maximum number of samples.
func BenchmarkMemory(b *testing.B) {
	for _, size := range []struct{ replicas, groupVersions int }{{2, 1}, {14, 256}} {
		b.Run(fmt.Sprintf("%d-replicas-%d-group-versions", size.replicas, size.groupVersions), func(b *testing.B) {
			target := Target{Service: "10.96.0.1:443", Replicas: replicas(size.replicas, 0), Policy: testPolicy}
			for i := range size.groupVersions {
				target.GroupVersions = append(target.GroupVersions,
					schema.GroupVersion{Group: groupVersion.Group, Version: fmt.Sprint("v", i+1)})
			}
			target.Registered = target.GroupVersions
			for b.Loop() {
				before := heap()
				l := filled(target)
				b.ReportMetric(float64(heap()-before), "B")
				b.ReportMetric(float64(heap()-before)/float64(len(l.histories)), "B/key")
				runtime.KeepAlive(l)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func filled(target Target) *loop {
	at := time.Unix(0, 0)
	l := newLoop("wardle", target, newGate(nil), at)
	for i := range limits.Samples + 1 {
		samples := map[Key]Sample{}
		for _, key := range append(target.Direct(), target.through([]string{"10.0.0.1:6443"})...) {
			samples[key] = Sample{Latency: time.Duration(i) * time.Millisecond}
		}
		at = at.Add(target.Interval)
		l.publish(NewRound(target, l.remember(target, answers{samples, []string{"10.0.0.1:6443"}}, at)))
	}
	return l
}

func heap() int64 {
	runtime.GC()
	stats := runtime.MemStats{}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
