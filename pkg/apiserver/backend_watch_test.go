// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/storage"
)

// recorder is a Backend that records from which versions watches begin.
type recorder struct {
	Backend[*metav1.PartialObjectMetadata]
	after []string
}

func (r *recorder) Watch(ctx context.Context, after string) (<-chan Change[*metav1.PartialObjectMetadata], error) {
	r.after = append(r.after, after)
	return r.Backend.Watch(ctx, after)
}

func TestAVersionThatIsNoNumberIsABadRequest(t *testing.T) {
	backend := &recorder{Backend: NewMemory[*metav1.PartialObjectMetadata]()}
	put(t, backend, "a", "x", "")
	s := storageOf(backend)
	for _, version := range []string{"x", "-1", "+1", "1.0", "0x1", " 1", "1; DROP TABLE things", "99999999999999999999"} {
		options := storage.ListOptions{ResourceVersion: version, Predicate: everything(), Recursive: true}
		_, watchErr := s.Watch(t.Context(), "/things/a", options)
		options.SendInitialEvents = new(true)
		_, streamErr := s.Watch(t.Context(), "/things/a", options)
		for request, err := range map[string]error{
			"a watch": watchErr, "a watch with initial events": streamErr,
			"a list": s.GetList(t.Context(), "/things/a", options, &metav1.PartialObjectMetadataList{}),
			"a get": s.Get(t.Context(), "/things/a/x", storage.GetOptions{ResourceVersion: version},
				&metav1.PartialObjectMetadata{}),
		} {
			if !apierrors.IsBadRequest(err) {
				t.Errorf("%s of version %q: %v", request, version, err)
			}
		}
	}
	if len(backend.after) != 0 {
		t.Errorf("the backend was watched from %q", backend.after)
	}
}

func TestABackendIsWatchedFromADecimalNumber(t *testing.T) {
	for version, want := range map[string]string{"": "2", "0": "2", "1": "1", "01": "1", "00": "2"} {
		backend := &recorder{Backend: NewMemory[*metav1.PartialObjectMetadata]()}
		put(t, backend, "a", "x", "")
		options := storage.ListOptions{ResourceVersion: version, Predicate: everything(), Recursive: true}
		w, err := storageOf(backend).Watch(t.Context(), "/things/a", options)
		if err != nil {
			t.Errorf("version %q: %v", version, err)
			continue
		}
		w.Stop()
		if len(backend.after) != 1 || backend.after[0] != want {
			t.Errorf("version %q: the backend is watched from %q", version, backend.after)
		}
	}
}
