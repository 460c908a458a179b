// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

const (
	writers    = 4
	writeEvery = 500 * time.Millisecond
	// writeTimeout is how long a write may take that a storage holds up.
	writeTimeout = 5 * time.Second
)

var flunderResource = schema.GroupVersionResource{Group: flunderGroup, Version: "v1beta1", Resource: "flunders"}

// writer creates Flunders all the time and remembers which of them were acknowledged, as does a watch that is resumed
// when it breaks.
type writer struct {
	flunders dynamic.ResourceInterface
	watched  cache.SharedIndexInformer
	stop     context.CancelFunc
	running  sync.WaitGroup

	mutex        sync.Mutex
	acknowledged sets.Set[string]
	failures     map[string]int
}

func startWriting(t *testing.T) *writer {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &writer{
		flunders: objects.Resource(flunderResource).Namespace(metav1.NamespaceDefault),
		watched: dynamicinformer.NewFilteredDynamicInformer(
			objects, flunderResource, metav1.NamespaceDefault, 0, nil, nil).Informer(),
		stop: stop, acknowledged: sets.New[string](), failures: map[string]int{},
	}
	t.Cleanup(stop)
	w.running.Go(func() { w.watched.Run(ctx.Done()) })
	prefix := fmt.Sprintf("stored-%d", time.Now().UnixNano())
	for i := range writers {
		w.running.Go(func() { w.write(ctx, fmt.Sprintf("%s-%d", prefix, i)) })
	}
	eventually(t, time.Minute, w.hasWritten(w.count()+writers))
	return w
}

func (w *writer) write(ctx context.Context, prefix string) {
	ticker := time.NewTicker(writeEvery)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.create(ctx, fmt.Sprintf("%s-%d", prefix, i))
		}
	}
}

// create creates a Flunder. Whether a write was stored that failed is not known, so it may be or not.
func (w *writer) create(ctx context.Context, name string) {
	flunder := &unstructured.Unstructured{}
	flunder.SetGroupVersionKind(flunderResource.GroupVersion().WithKind("Flunder"))
	flunder.SetName(name)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	_, err := w.flunders.Create(limited, flunder, metav1.CreateOptions{})
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if err != nil {
		w.failures[string(apierrors.ReasonForError(err))]++
		return
	}
	w.acknowledged.Insert(name)
}

func (w *writer) count() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.acknowledged.Len()
}

// failed is how many writes have failed.
func (w *writer) failed() (total int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, count := range w.failures {
		total += count
	}
	return total
}

func (w *writer) hasWritten(wanted int) func(context.Context) error {
	return func(context.Context) error {
		if written := w.count(); written < wanted {
			return fmt.Errorf("%d writes were acknowledged, want %d; failed: %v", written, wanted, w.failures)
		}
		return nil
	}
}

// hasFailed succeeds when a write has failed since there were so many.
func (w *writer) hasFailed(before int) func(context.Context) error {
	return func(context.Context) error {
		if w.failed() == before {
			return fmt.Errorf("no write has failed")
		}
		return nil
	}
}

// end stops, and fails the test if anything acknowledged is missing in a list, or for the watch.
func (w *writer) end(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, w.hasWritten(w.count()+writers))
	eventually(t, time.Minute, w.allListed)
	eventually(t, time.Minute, w.allWatched)
	w.stop()
	w.running.Wait()
	progress("  %d writes were acknowledged, and none is lost; failed: %v", w.count(), w.failures)
}

func (w *writer) allListed(ctx context.Context) error {
	w.mutex.Lock()
	wanted := w.acknowledged.Clone()
	w.mutex.Unlock()
	list, err := w.flunders.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		wanted.Delete(list.Items[i].GetName())
	}
	return lost(wanted)
}

func (w *writer) allWatched(context.Context) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	wanted := w.acknowledged.Clone()
	for _, key := range w.watched.GetStore().ListKeys() {
		_, name, _ := cache.SplitMetaNamespaceKey(key)
		wanted.Delete(name)
	}
	return lost(wanted)
}

func lost(names sets.Set[string]) error {
	if names.Len() == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(names.UnsortedList()))
	return fmt.Errorf("%d acknowledged writes are lost: %q", len(sorted), sorted[:min(len(sorted), 10)])
}
