// SPDX-License-Identifier: Apache-2.0

// Package sourcewatch reports changes of objects of other owners that certificates or CAs come from, such as Secrets
// and ConfigMaps. They do not have the operator's label, so the operator's cache does not contain them. Each is watched
// by a request of its own, for its metadata only.
package sourcewatch

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Watcher watches the objects that ExtensionAPIs reference, one for each.
type Watcher struct {
	client  metadata.Interface
	changed func(extensionAPI string)

	// updated signals to Start that wanted has changed.
	updated chan struct{}
	mu      sync.Mutex
	wanted  map[string]manifests.Source
}

// New returns a Watcher that calls changed for every ExtensionAPI whose object was created, changed or deleted, and
// once after a watch has started, whether or not the object exists. It may also call it when nothing has changed.
func New(client metadata.Interface, changed func(extensionAPI string)) *Watcher {
	return &Watcher{
		client: client, changed: changed,
		updated: make(chan struct{}, 1), wanted: map[string]manifests.Source{},
	}
}

// Watch watches source for an ExtensionAPI, in place of the one it watched before, and reports whether that is new. Any
// change of source after Watch has returned is reported, so read the object again if it is.
func (w *Watcher) Watch(extensionAPI string, source manifests.Source) (isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted[extensionAPI] == source {
		return false
	}
	w.wanted[extensionAPI] = source
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
	stops := map[manifests.Source]context.CancelFunc{}
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
	ctx context.Context, watches *sync.WaitGroup, stops map[manifests.Source]context.CancelFunc,
) {
	wanted := w.sources()
	for source, stop := range stops {
		if !wanted.Has(source) {
			stop()
			delete(stops, source)
		}
	}
	for source := range wanted {
		if stops[source] == nil {
			watchCtx, stop := context.WithCancel(ctx)
			stops[source] = stop
			watches.Go(func() { w.watch(watchCtx, source) })
		}
	}
}

func (w *Watcher) sources() sets.Set[manifests.Source] {
	w.mu.Lock()
	defer w.mu.Unlock()
	sources := sets.New[manifests.Source]()
	for _, source := range w.wanted {
		sources.Insert(source)
	}
	return sources
}

// watch reports all changes of source until ctx is done. An interrupted watch is restarted, with backoff.
func (w *Watcher) watch(ctx context.Context, source manifests.Source) {
	plural, _ := meta.UnsafeGuessKindToResource(source.GroupVersionKind)
	objects := w.client.Resource(plural).Namespace(source.Namespace)
	alone := fields.OneTermEqualSelector(metav1.ObjectNameField, source.Name).String()
	requests := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = alone
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = alone
			return objects.Watch(ctx, options)
		},
	}
	cache.NewReflectorWithOptions(
		cache.ToListWatcherWithWatchListSemantics(requests, w.client),
		&metav1.PartialObjectMetadata{},
		listener(func() { w.notify(source) }),
		cache.ReflectorOptions{Name: source.String()},
	).RunWithContext(ctx)
}

func (w *Watcher) notify(source manifests.Source) {
	for _, extensionAPI := range w.watchersOf(source) {
		w.changed(extensionAPI)
	}
}

func (w *Watcher) watchersOf(source manifests.Source) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for extensionAPI, watched := range w.wanted {
		if watched == source {
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
