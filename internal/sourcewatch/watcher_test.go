// SPDX-License-Identifier: Apache-2.0

package sourcewatch

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
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var (
	secrets = corev1.SchemeGroupVersion.WithResource("secrets")
	// The fake client does not support field selectors, so the Secrets are in different namespaces.
	first  = manifests.SecretSource("first", "tls")
	second = manifests.SecretSource("second", "tls")
)

// harness runs a Watcher with a fake client, in a synctest bubble: a goroutine that is left at the end fails the test.
type harness struct {
	*Watcher
	t      *testing.T
	client *fake.FakeMetadataClient

	mu       sync.Mutex
	notified []string
}

// runTest runs a test in which a Watcher has been started.
func runTest(t *testing.T, test func(h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, client: newClient(t)}
		h.Watcher = New(h.client, func(extensionAPI string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.notified = append(h.notified, extensionAPI)
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

// expect waits until all goroutines are blocked, and compares which ExtensionAPIs were notified since the last call.
func (h *harness) expect(want ...string) {
	h.t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.notified)
	if !slices.Equal(h.notified, want) {
		h.t.Errorf("notified %q, want %q", h.notified, want)
	}
	h.notified = nil
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) create(secret manifests.Source) {
	h.t.Helper()
	h.must(h.client.Tracker().Create(secrets, object(secret), secret.Namespace))
}

func (h *harness) update(secret manifests.Source) {
	h.t.Helper()
	h.must(h.client.Tracker().Update(secrets, object(secret), secret.Namespace))
}

func (h *harness) delete(secret manifests.Source) {
	h.t.Helper()
	h.must(h.client.Tracker().Delete(secrets, secret.Namespace, secret.Name))
}

func object(secret manifests.Source) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name},
	}
}

// watches counts the started watches.
func (h *harness) watches() int {
	count := 0
	for _, action := range h.client.Actions() {
		if action.GetVerb() == "watch" {
			count++
		}
	}
	return count
}

func TestEveryChangeIsReported(t *testing.T) {
	runTest(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle") // the Secret does not exist
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

func TestOnlyTheNamedSecretIsWatched(t *testing.T) {
	runTest(t, func(h *harness) {
		h.Watch("wardle", first)
		h.expect("wardle")
		for _, action := range h.client.Actions() {
			restricted, ok := action.(clienttesting.WatchAction)
			if ok && restricted.GetWatchRestrictions().Fields.String() != "metadata.name=tls" {
				h.t.Errorf("%s requests %q", action.GetVerb(), restricted.GetWatchRestrictions().Fields)
			}
		}
	})
}

func TestChangesOfASharedSecretAreReportedForBothExtensionAPIs(t *testing.T) {
	runTest(t, func(h *harness) {
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

func TestAConfigMapOfTheNameOfASecretIsAnotherObject(t *testing.T) {
	runTest(t, func(h *harness) {
		h.Watch("wardle", first)
		h.Watch("other", manifests.Source{
			GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), NamespacedName: first.NamespacedName,
		})
		h.expect("other", "wardle")
		h.create(first)
		h.expect("wardle")
	})
}

func TestWatchIsIdempotent(t *testing.T) {
	runTest(t, func(h *harness) {
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

func TestWatchReplacesThePreviousSecret(t *testing.T) {
	runTest(t, func(h *harness) {
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

func TestForgetStopsTheWatch(t *testing.T) {
	runTest(t, func(h *harness) {
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
			h.t.Error("the watch is still running")
		}
	})
}

func TestWatchBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { awaitNotification(t, newClient(t)) })
}

func TestFailedRequestsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, failures := newClient(t), 3
		client.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
			failures--
			return failures >= 0, nil, errors.New("no connection")
		})
		awaitNotification(t, client)
		if failures >= 0 {
			t.Error("notified of a Secret that could not be read")
		}
	})
}

// awaitNotification runs a Watcher until it notifies; the bubble's clock skips every backoff.
func awaitNotification(t *testing.T, client metadata.Interface) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	watcher := New(client, func(string) { stop() })
	watcher.Watch("wardle", first)
	if err := watcher.Start(ctx); err != nil {
		t.Error(err)
	}
}
