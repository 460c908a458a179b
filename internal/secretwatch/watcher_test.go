// SPDX-License-Identifier: Apache-2.0

package secretwatch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
)

var (
	secrets = corev1.SchemeGroupVersion.WithResource("secrets")
	// The fake client does not know field selectors, so that Secrets are told apart by their namespaces.
	first  = types.NamespacedName{Namespace: "first", Name: "tls"}
	second = types.NamespacedName{Namespace: "second", Name: "tls"}
)

// harness runs a Watcher on a fake client, in a bubble of package synctest: a goroutine that is left at the end of the
// test fails the test.
type harness struct {
	*Watcher
	t      *testing.T
	client *fake.FakeMetadataClient

	mu   sync.Mutex
	told []string
}

// inBubble runs a test in which a Watcher has been started.
func inBubble(t *testing.T, test func(h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, client: newClient(t)}
		h.Watcher = New(h.client, func(extensionAPI string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.told = append(h.told, extensionAPI)
		})
		ctx, stop := context.WithCancel(t.Context())
		var started sync.WaitGroup
		started.Go(func() {
			if err := h.Start(ctx); err != nil {
				t.Error(err)
			}
		})
		test(h)
		stop()
		started.Wait()
	})
}

func newClient(t *testing.T) *fake.FakeMetadataClient {
	t.Helper()
	scheme := fake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewSimpleMetadataClient(scheme)
}

// expect waits until nothing moves any more and compares who was told since the last time.
func (h *harness) expect(want ...string) {
	h.t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.told)
	if !slices.Equal(h.told, want) {
		h.t.Errorf("told %q, want %q", h.told, want)
	}
	h.told = nil
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) create(secret types.NamespacedName) {
	h.t.Helper()
	h.must(h.client.Tracker().Create(secrets, object(secret), secret.Namespace))
}

func (h *harness) update(secret types.NamespacedName) {
	h.t.Helper()
	h.must(h.client.Tracker().Update(secrets, object(secret), secret.Namespace))
}

func (h *harness) delete(secret types.NamespacedName) {
	h.t.Helper()
	h.must(h.client.Tracker().Delete(secrets, secret.Namespace, secret.Name))
}

func object(secret types.NamespacedName) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name},
	}
}

// watches counts the watches that were begun.
func (h *harness) watches() int {
	count := 0
	for _, action := range h.client.Actions() {
		if action.GetVerb() == "watch" {
			count++
		}
	}
	return count
}

func TestEveryChangeIsTold(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle") // there is no Secret
		h.create(first)
		h.expect("wardle")
		h.update(first)
		h.expect("wardle")
		h.delete(first)
		h.expect("wardle")
		h.create(second)
		h.expect()
	})
}

func TestOnlyTheSecretIsAskedFor(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle")
		for _, action := range h.client.Actions() {
			restricted, ok := action.(clienttesting.WatchAction)
			if ok && restricted.GetWatchRestrictions().Fields.String() != "metadata.name=tls" {
				h.t.Errorf("%s asks for %q", action.GetVerb(), restricted.GetWatchRestrictions().Fields)
			}
		}
	})
}

func TestTwoThatNameTheSameSecretBothHear(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle")
		h.Watch("other", first)
		h.create(first)
		h.expect("other", "wardle")
		h.Forget("wardle")
		h.update(first)
		h.expect("other")
		if got := h.watches(); got != 1 {
			h.t.Errorf("%d watches, want 1", got)
		}
	})
}

func TestWatchIsIdempotent(t *testing.T) {
	inBubble(t, func(h *harness) {
		for range 3 {
			h.Watch("wardle", first)
			synctest.Wait()
		}
		h.expect("wardle")
		if got := h.watches(); got != 1 {
			h.t.Errorf("%d watches, want 1", got)
		}
	})
}

func TestAnotherSecretReplacesTheFirst(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle")
		h.Watch("wardle", second)
		h.expect("wardle")
		h.create(first)
		h.expect()
		h.create(second)
		h.expect("wardle")
	})
}

func TestForgottenWatchesEnd(t *testing.T) {
	inBubble(t, func(h *harness) {
		var watcher *watch.RaceFreeFakeWatcher
		h.client.PrependWatchReactor("secrets", func(clienttesting.Action) (bool, watch.Interface, error) {
			watcher = watch.NewRaceFreeFake()
			return true, watcher, nil
		})
		h.Watch("wardle", first)
		h.expect("wardle")
		h.Forget("wardle")
		h.Forget("unknown")
		h.expect()
		if !watcher.IsStopped() {
			h.t.Error("the watch goes on")
		}
	})
}

func TestWatchedBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { awaitTold(t, newClient(t)) })
}

func TestErrorsAreSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, failures := newClient(t), 3
		client.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
			failures--
			return failures >= 0, nil, errors.New("no connection")
		})
		awaitTold(t, client)
		if failures >= 0 {
			t.Error("told of a Secret that could not be read")
		}
	})
}

// awaitTold runs a Watcher until it tells something; the bubble's clock leaps over every backoff.
func awaitTold(t *testing.T, client metadata.Interface) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	watcher := New(client, func(string) { stop() })
	watcher.Watch("wardle", first)
	if err := watcher.Start(ctx); err != nil {
		t.Error(err)
	}
}
