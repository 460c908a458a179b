// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/ptr"
)

func expired() error {
	return apierrors.NewResourceExpired("the resourceVersion is too old: list again")
}

// Watch sends the changes of objects that match, after the objects themselves where the client wants that.
func (s *backendStorage[T]) Watch(
	ctx context.Context, key string, options storage.ListOptions,
) (watch.Interface, error) {
	w := &backendWatch[T]{storage: s, predicate: options.Predicate}
	w.namespace, w.name = s.parse(key)
	after, err := w.begin(ctx, key, options)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	changes, err := s.backend.Watch(ctx, after)
	if err != nil {
		stop()
		if errors.Is(err, ErrExpired) {
			return nil, expired()
		}
		return nil, err
	}
	results := make(chan watch.Event)
	go func() {
		defer close(results)
		w.run(ctx, changes, results)
	}()
	return watchOf{results, stop}, nil
}

// backendWatch is the watch of a client.
type backendWatch[T Object] struct {
	storage         *backendStorage[T]
	predicate       storage.SelectionPredicate
	namespace, name string
	// initial are sent first.
	initial []watch.Event
}

// begin sets what is sent first, and returns the version after which changes follow.
func (w *backendWatch[T]) begin(ctx context.Context, key string, options storage.ListOptions) (string, error) {
	after, err := w.storage.requested(options.ResourceVersion)
	if err != nil {
		return "", err
	}
	initial := ptr.Deref(options.SendInitialEvents, after == 0)
	if !initial && after != 0 {
		return strconv.FormatUint(after, 10), nil
	}
	objects, version, err := w.storage.list(ctx, key, options.Predicate)
	if err != nil {
		return "", err
	}
	if err := w.storage.isListable(options, version); err != nil || !initial {
		return version, err
	}
	for _, object := range objects {
		w.initial = append(w.initial, watch.Event{Type: watch.Added, Object: object})
	}
	if options.SendInitialEvents != nil && options.Predicate.AllowWatchBookmarks {
		w.initial = append(w.initial, w.bookmark(version))
	}
	return version, nil
}

// bookmark ends the initial events.
func (w *backendWatch[T]) bookmark(version string) watch.Event {
	object := w.storage.newFunc()
	if typed, err := as[T](object); err == nil {
		typed.SetResourceVersion(version)
	}
	_ = storage.AnnotateInitialEventsEndBookmark(object) // it has metadata
	return watch.Event{Type: watch.Bookmark, Object: object}
}

func (w *backendWatch[T]) run(ctx context.Context, changes <-chan Change[T], results chan<- watch.Event) {
	for _, event := range w.initial {
		if !send(ctx, results, event) {
			return
		}
	}
	for change := range changes {
		if event := w.event(change); event != nil && !send(ctx, results, *event) {
			return
		}
	}
}

func send(ctx context.Context, results chan<- watch.Event, event watch.Event) bool {
	select {
	case results <- event:
		return true
	case <-ctx.Done():
		return false
	}
}

// event is what a change is for this watch: an object that no longer matches is deleted for it.
func (w *backendWatch[T]) event(change Change[T]) *watch.Event {
	object := change.Object.DeepCopyObject()
	matches, matched := !change.Deleted && w.matches(change.Object), w.matches(change.Old)
	switch {
	case matches && matched:
		return &watch.Event{Type: watch.Modified, Object: object}
	case matches:
		return &watch.Event{Type: watch.Added, Object: object}
	case matched:
		return &watch.Event{Type: watch.Deleted, Object: object}
	default:
		return nil
	}
}

func (w *backendWatch[T]) matches(object T) bool {
	if isNil(object) {
		return false
	}
	if w.namespace != "" && w.namespace != object.GetNamespace() || w.name != "" && w.name != object.GetName() {
		return false
	}
	matches, err := w.predicate.Matches(object)
	return err == nil && matches
}

// watchOf is a watch that stops a context.
type watchOf struct {
	results <-chan watch.Event
	stop    context.CancelFunc
}

// Stop ends the watch.
func (w watchOf) Stop() { w.stop() }

// ResultChan returns the events.
func (w watchOf) ResultChan() <-chan watch.Event { return w.results }
