// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const (
	goodAPIs, hostileAPIs = 80, 20
	// hostileInterval is the interval of all probes, and calmFor is how long they are counted before servers become
	// hostile.
	hostileInterval = 10 * time.Second
	calmFor         = 2 * time.Minute
)

// BenchmarkHostile creates 100 ExtensionAPIs, makes the servers of 20 of them hostile, with all tricks at once, and
// measures the effect on the operator and on the other 80. HOSTILE_FOR sets the duration, ten minutes by default.
func BenchmarkHostile(b *testing.B) {
	hostileFor := hostileDuration(b)
	good := startMany(b, "bench-good", goodAPIs)
	hostile := startMany(b, "bench-hostile", hostileAPIs)
	for b.Loop() {
		memory := watchMemory(b)
		calm := good.countProbes(b, calmFor)
		progress("%d ExtensionAPIs, no hostile server: %s; resident %d MiB", goodAPIs+hostileAPIs, calm, memory.peak())
		restarted, readySince := restarts(b), good.readySince(b)

		hostile.turn(b)
		hostileCount := good.countProbes(b, hostileFor)
		progress("%d of them hostile for %s: %s; resident %d MiB", hostileAPIs, hostileFor, hostileCount, memory.peak())
		flapped, reported := 0, 0
		for name, since := range good.readySince(b) {
			if since != readySince[name] {
				flapped++
			}
		}
		for _, extensionAPI := range hostile.registered {
			if isReportedAsFailing(extensionAPI)(b.Context()) == nil {
				reported++
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(memory.end()), "peak-MiB")
		b.ReportMetric(calm.least, "calm-least-probes/expected")
		b.ReportMetric(hostileCount.least, "hostile-least-probes/expected")
		b.ReportMetric(float64(flapped), "conditions-flapped")
		b.ReportMetric(float64(reported), "hostile-reported")
		if now := restarts(b); strings.Join(now, ",") != strings.Join(restarted, ",") {
			progress("the operator's Pods were %q and are %q", restarted, now)
		}
		hostile.behave(b, behaviour{}, behaviour{})
	}
}

func hostileDuration(b *testing.B) time.Duration {
	b.Helper()
	value := os.Getenv("HOSTILE_FOR")
	if value == "" {
		return 10 * time.Minute
	}
	duration, err := time.ParseDuration(value)
	if err != nil {
		b.Fatalf("HOSTILE_FOR: %v", err)
	}
	return duration
}

// many are ExtensionAPIs with one common server, which has two replicas.
type many struct {
	host
	registered []*v1alpha1.ExtensionAPI
}

func startMany(b *testing.B, name string, count int) many {
	b.Helper()
	var groups []string
	for i := range count {
		groups = append(groups, fmt.Sprintf("g%d.%s.example.com", i, name))
	}
	progress("Creating %d ExtensionAPIs of one server, and waiting for the last to be Ready", count)
	m := many{host: startHost(b, name, groups...)}
	change(b, m.ExtensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Server.Replicas = new(int32(2)) })
	eventually(b, time.Minute, isHealthy(m.ExtensionAPI))
	for i, group := range groups {
		extensionAPI := m.existing(fmt.Sprintf("%s-%d", name, i), group)
		extensionAPI.Spec.Discovery.Interval = &metav1.Duration{Duration: hostileInterval}
		createUntilCleanup(b, extensionAPI)
		m.registered = append(m.registered, extensionAPI)
	}
	for _, extensionAPI := range m.registered {
		eventually(b, 5*time.Minute, ready(extensionAPI))
	}
	return m
}

// turn makes one replica hostile to all clients that probe group-versions, with a changing certificate, and the other
// one hostile to all direct probes: kube-apiserver reads some documents completely, which is not measured here.
func (m many) turn(b *testing.B) {
	b.Helper()
	trick := extensionserver.Fault{Body: extensionserver.EveryTrick}
	m.behave(b, behaviour{Discovery: trick, Certificate: extensionserver.Changing},
		behaviour{Discovery: trick, APIs: trick, OpenAPI: trick, For: extensionserver.Direct})
}

func (m many) behave(b *testing.B, behaviours ...behaviour) {
	b.Helper()
	pods, err := labelledPods(b.Context(), ownerLabel, m.Name)
	if err != nil || len(pods) != len(behaviours) {
		b.Fatalf("%d Pods, want %d, and error %v", len(pods), len(behaviours), err)
	}
	for i, pod := range pods {
		behave(b, pod, behaviours[i])
	}
}

func (m many) readySince(b *testing.B) map[string]string {
	b.Helper()
	since := map[string]string{}
	for _, extensionAPI := range m.registered {
		since[extensionAPI.Name] = readySince(b, extensionAPI)
	}
	return since
}

// probes are the lowest and the highest number of direct probes of a group-version at a replica, relative to the
// expected number.
type probes struct{ least, most float64 }

func (p probes) String() string {
	return fmt.Sprintf("each group-version was probed %.2f to %.2f times as often as required", p.least, p.most)
}

// countProbes counts the direct probes that each replica gets for each group-version.
func (m many) countProbes(b *testing.B, duration time.Duration) probes {
	b.Helper()
	pods, err := labelledPods(b.Context(), ownerLabel, m.Name)
	if err != nil {
		b.Fatal(err)
	}
	for _, pod := range pods {
		behave(b, pod, behaviour{}) // resets the request counts
	}
	pass(b, duration)
	counted := probes{least: math.Inf(1)}
	for _, pod := range pods {
		requests, err := requestsOf(b.Context(), pod)
		if err != nil {
			b.Fatal(err)
		}
		for _, extensionAPI := range m.registered {
			path := "/apis/" + extensionAPI.Spec.Groups[0].Name + "/v1"
			ratio := float64(requests[extensionserver.Direct][path]) * float64(hostileInterval) / float64(duration)
			counted.least, counted.most = min(counted.least, ratio), max(counted.most, ratio)
		}
	}
	return counted
}

func pass(b *testing.B, duration time.Duration) {
	b.Helper()
	const step = time.Minute
	for left := duration; left > 0; left -= step {
		progress("  measuring for another %s", left.Round(time.Second))
		select {
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		case <-time.After(min(left, step)):
		}
	}
}

// memory is the largest resident memory of the operator's processes, in MiB.
type memory struct {
	mu      sync.Mutex
	largest int
	end     func() int
}

func watchMemory(b *testing.B) *memory {
	b.Helper()
	pods, err := operatorPods(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var processes []int
	for _, pod := range pods {
		processes = append(processes, processOf(b, pod.Status.ContainerStatuses[0]))
	}
	ctx, cancel := context.WithCancel(b.Context())
	m := &memory{}
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			m.look(processes)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	})
	m.end = func() int { cancel(); watching.Wait(); return m.peak() }
	b.Cleanup(func() { m.end() })
	return m
}

func (m *memory) look(processes []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, process := range processes {
		if resident, err := residentMiB(process); err == nil { // a killed process is visible in the restarts
			m.largest = max(m.largest, resident)
		}
	}
}

func (m *memory) peak() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.largest
}

// residentMiB returns VmHWM, the peak resident memory of the process.
func residentMiB(process int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, err := strconv.Atoi(fields[1])
			return kib >> 10, err
		}
	}
	return 0, errors.New("the process has no VmHWM")
}
