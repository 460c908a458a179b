// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// soakedRate is the number of requests per second through each kube-apiserver.
	soakedRate = 10
	// soakedEvery is how often the conditions of all ExtensionAPIs are looked at.
	soakedEvery = 2 * time.Second
	// stalledAfter is when a kube-apiserver that does not answer a request of its own counts as stalled, because the
	// machine is busy. It is shorter than the time limit of the other requests, so that it is known when these fail.
	stalledAfter = 2 * time.Second
)

// traffic is what users of the APIs and of the conditions get while a soak lasts.
type traffic struct {
	end func()

	mu sync.Mutex
	// requests are all, and excused those of them that failed while that was excused.
	requests, excused int
	// stalled is how often a kube-apiserver without a fault did not answer a request of its own.
	stalled int
	// flaws are failed requests and conditions that are not excused, with how often each was seen.
	flaws map[string]int
}

// startTraffic starts to read each API through each kube-apiserver. Requests are not retried.
func (s *soaking) startTraffic(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s.traffic = &traffic{flaws: map[string]int{}}
	var sending sync.WaitGroup
	s.traffic.end = sync.OnceFunc(func() { cancel(); sending.Wait() })
	t.Cleanup(s.traffic.end)
	all := s.all()
	for _, server := range s.kubeAPIServers {
		clients := loadClients(t)
		turn := 0
		sending.Go(func() {
			wait.UntilWithContext(ctx, func(ctx context.Context) {
				turn++
				client, extensionAPI, discovery := clients[turn%len(clients)], all[turn%len(all)], turn/len(all)%2 == 0
				sending.Go(func() { s.read(context.WithoutCancel(ctx), server, client, extensionAPI, discovery) })
			}, time.Second/soakedRate)
		})
		sending.Go(func() {
			wait.UntilWithContext(ctx, func(ctx context.Context) {
				s.readItself(context.WithoutCancel(ctx), clients[0], server)
			}, time.Second)
		})
	}
}

// readItself sends a request that kube-apiserver answers by itself, from memory. Where it does not, nothing else is
// expected from it.
func (s *soaking) readItself(ctx context.Context, client *http.Client, through kubeAPIServer) {
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, stalledAfter)
	defer cancel()
	if exchange(ctx, client, http.MethodGet, "https://"+through.address+"/version", "") == nil {
		return
	}
	if !s.excuses.Cover(sent, time.Now(), through.name()) {
		s.traffic.mu.Lock()
		defer s.traffic.mu.Unlock()
		s.traffic.stalled++
	}
	s.excuses.Begin(sent, through.name())(time.Now())
}

// read sends a request of an ordinary user for discovery, or for objects.
func (s *soaking) read(
	ctx context.Context, through kubeAPIServer, client *http.Client, of *v1alpha1.ExtensionAPI, discovery bool,
) {
	path := "/apis/" + of.Spec.Groups[0].Name + "/v1"
	if !discovery {
		path += "/widgets"
	}
	sent := time.Now()
	err := exchange(ctx, client, http.MethodGet, "https://"+through.address+path, "")
	excused := s.excuses.Cover(sent, time.Now(), of.Name, through.name())
	s.traffic.count(err, excused, fmt.Sprintf("%s: GET %s through %s, sent at %s", of.Name, path, through.name(),
		sent.Format(time.TimeOnly)))
}

func (c *traffic) count(err error, excused bool, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	switch {
	case err == nil:
	case excused:
		c.excused++
	default:
		c.noteLocked(fmt.Sprintf("%s: %v", what, err))
	}
}

// noteLocked notes a flaw, and prints the first of its kind at once, while its circumstances can still be looked at.
func (c *traffic) noteLocked(flaw string) {
	if c.flaws[flaw]++; c.flaws[flaw] == 1 {
		progress("  UNEXPECTED at %s: %s", time.Now().Format(time.TimeOnly), flaw)
	}
}

// mustBeFlawless fails the test if anything failed since the last time that was not excused.
func (c *traffic) mustBeFlawless(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	progress("  %d requests so far; %d failed during faults of what they were for, %d others; a kube-apiserver without a "+
		"fault did not answer %d of its own requests", c.requests, c.excused, len(c.flaws), c.stalled)
	for i, flaw := range slices.Sorted(maps.Keys(c.flaws)) {
		if i < distinctFailures {
			t.Error(flaw)
		}
	}
	if more := len(c.flaws) - distinctFailures; more > 0 {
		t.Errorf("and %d more", more)
	}
	c.flaws = map[string]int{}
}

// watchConditions looks at all conditions again and again.
func (s *soaking) watchConditions(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	end := s.traffic.end
	s.traffic.end = func() { cancel(); watching.Wait(); end() }
	t.Cleanup(s.traffic.end)
	watching.Go(func() { wait.UntilWithContext(ctx, s.lookAtConditions, soakedEvery) })
}

// lookAtConditions notes those that report a fault although there is none. Where kube-apiserver does not answer, there
// is nothing to look at.
func (s *soaking) lookAtConditions(ctx context.Context) {
	from := time.Now()
	found, err := listExtensionAPIs(ctx)
	if err != nil {
		return
	}
	s.traffic.mu.Lock()
	defer s.traffic.mu.Unlock()
	for _, name := range s.names() {
		for _, wrong := range wrongOf(found[name]) {
			if !s.excuses.Cover(from, time.Now(), name) {
				s.traffic.noteLocked(name + ": " + wrong)
			}
		}
	}
}

// wrongOf returns the conditions that report a fault of the API.
func wrongOf(extensionAPI *v1alpha1.ExtensionAPI) (wrong []string) {
	if extensionAPI == nil {
		return []string{"it does not exist"}
	}
	for _, name := range []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ConditionDiscoveryWithinLimit,
		v1alpha1.ConditionNamespacesDeletable,
	} {
		if c := conditionOf(extensionAPI, name); c.Status == metav1.ConditionFalse {
			wrong = append(wrong, fmt.Sprintf("%s=%s %s since %s: %s", c.Type, c.Status, c.Reason,
				c.LastTransitionTime.Format(time.TimeOnly), c.Message))
		}
	}
	return wrong
}
