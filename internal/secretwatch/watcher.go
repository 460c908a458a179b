// SPDX-License-Identifier: Apache-2.0

// Package secretwatch reports changes of Secrets that the operator does not own. They do not have the operator's label,
// so the operator's cache does not contain them. Each is watched by a request of its own, for its metadata only.
package secretwatch

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

// Watcher watches the Secrets that ExtensionAPIs reference, one for each.
type Watcher struct {
	client  metadata.Interface
	changed func(extensionAPI string)

	// updated signals to Start that wanted has changed.
	updated chan struct{}
	mu      sync.Mutex
	wanted  map[string]types.NamespacedName
}

// New returns a Watcher that calls changed for every ExtensionAPI whose Secret was created, changed or deleted, and
// once after a watch has started, whether or not the Secret exists. It may also call it when nothing has changed.
func New(client metadata.Interface, changed func(extensionAPI string)) *Watcher {
	return &Watcher{
		client: client, changed: changed,
		updated: make(chan struct{}, 1), wanted: map[string]types.NamespacedName{},
	}
}

// Watch watches secret for an ExtensionAPI, in place of the one it watched before, and reports whether that is new. Any
// change of secret after Watch has returned is reported, so read the Secret again if it is.
func (w *Watcher) Watch(extensionAPI string, secret types.NamespacedName) (isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted[extensionAPI] == secret {
		return false
	}
	w.wanted[extensionAPI] = secret
	w.signal()
	return true
}

// Forget stops watching for an ExtensionAPI.
func (w *Watcher) Forget(extensionAPI string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, watched := w.wanted[extensionAPI]; watched {
		delete(w.wanted, extensionAPI)
		w.signal()
	}
}

func (w *Watcher) signal() {
	select {
	case w.updated <- struct{}{}:
	default:
	}
}

// Start watches until ctx is done. It implements manager.Runnable, and so runs on the leader only.
func (w *Watcher) Start(ctx context.Context) error {
	var watches sync.WaitGroup
	defer watches.Wait()
	stops := map[types.NamespacedName]context.CancelFunc{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.updated:
			w.sync(ctx, &watches, stops)
		}
	}
}

// sync starts and stops watches to match the wanted ones. It stores the cancel function of each in stops.
func (w *Watcher) sync(
	ctx context.Context, watches *sync.WaitGroup, stops map[types.NamespacedName]context.CancelFunc,
) {
	wanted := w.secrets()
	for secret, stop := range stops {
		if !wanted.Has(secret) {
			stop()
			delete(stops, secret)
		}
	}
	for secret := range wanted {
		if stops[secret] == nil {
			watchCtx, stop := context.WithCancel(ctx)
			stops[secret] = stop
			watches.Go(func() { w.watch(watchCtx, secret) })
		}
	}
}

func (w *Watcher) secrets() sets.Set[types.NamespacedName] {
	w.mu.Lock()
	defer w.mu.Unlock()
	secrets := sets.New[types.NamespacedName]()
	for _, secret := range w.wanted {
		secrets.Insert(secret)
	}
	return secrets
}

// watch reports all changes of secret until ctx is done. An interrupted watch is restarted, with backoff.
func (w *Watcher) watch(ctx context.Context, secret types.NamespacedName) {
	secrets := w.client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(secret.Namespace)
	alone := fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String()
	requests := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = alone
			return secrets.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = alone
			return secrets.Watch(ctx, options)
		},
	}
	cache.NewReflectorWithOptions(
		cache.ToListWatcherWithWatchListSemantics(requests, w.client),
		&metav1.PartialObjectMetadata{},
		listener(func() { w.notify(secret) }),
		cache.ReflectorOptions{Name: "Secret " + secret.String()},
	).RunWithContext(ctx)
}

func (w *Watcher) notify(secret types.NamespacedName) {
	for _, extensionAPI := range w.watchersOf(secret) {
		w.changed(extensionAPI)
	}
}

func (w *Watcher) watchersOf(secret types.NamespacedName) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for extensionAPI, watched := range w.wanted {
		if watched == secret {
			names = append(names, extensionAPI)
		}
	}
	return names
}

// listener is called for every event of a reflector. It replaces a store, since a store would keep annotations, and
// kubectl puts all data of a Secret into one (last-applied-configuration).
type listener func()

var _ cache.ReflectorStore = listener(nil)

func (l listener) Add(any) error               { l(); return nil }
func (l listener) Update(any) error            { l(); return nil }
func (l listener) Delete(any) error            { l(); return nil }
func (l listener) Replace([]any, string) error { l(); return nil }
func (l listener) Resync() error               { return nil }
