// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// Withheld are the changes that were not made. Its zero value is empty, and it may be used concurrently.
type Withheld struct {
	mu      sync.Mutex
	changes map[string]bool
}

// Add adds a change of an object.
func (w *Withheld) Add(kind string, key client.ObjectKey) { w.add(nameOf(kind, key)) }

func (w *Withheld) add(change string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changes == nil {
		w.changes = map[string]bool{}
	}
	w.changes[change] = true
}

// Names returns what would be changed, each once and sorted.
func (w *Withheld) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.changes))
}

// Withholding returns an Applier that writes nothing, and adds to withheld what it would have changed. Its Apply
// returns an object as it is, or, where there is none, one without a UID.
func (a *Applier) Withholding(withheld *Withheld) *Applier {
	derived := *a
	derived.withheld = withheld
	return &derived
}

// Withhold notes an object that would be changed, of an Applier that withholds.
func (a *Applier) Withhold(kind string, key client.ObjectKey) { a.withheld.Add(kind, key) }

// Insisting returns an Applier that writes, even where this one withholds.
func (a *Applier) Insisting() *Applier { return a.Withholding(nil) }

// withhold returns what is there instead of what is wanted.
func (a *Applier) withhold(
	ctx context.Context, id objectID, wanted *unstructured.Unstructured, sum [sha256.Size]byte, current client.Object,
) client.Object {
	if current == nil {
		a.withheld.Add(id.kind.Kind, id.key)
		return wanted
	}
	if !carries(current, wanted) ||
		a.wouldChange(ctx, id, wanted, record{uid: current.GetUID(), configuration: sum, version: version(current)}) {
		a.withheld.Add(id.kind.Kind, id.key)
	}
	return current
}

// trial is what came of trying to apply something.
type trial struct {
	record
	changes bool
}

// wouldChange asks the API server, once for each version of the object and of the configuration. When it cannot tell,
// the object is taken to be changed: it would be applied.
func (a *Applier) wouldChange(ctx context.Context, id objectID, wanted *unstructured.Unstructured, r record) bool {
	if told, known := a.triedBefore(id); known && told.record == r {
		return told.changes
	}
	changes, err := a.try(ctx, id, wanted)
	if err != nil {
		log.FromContext(ctx).V(1).Info("a dry run failed", "object", nameOf(id.kind.Kind, id.key), "error", err.Error())
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tried[id] = trial{r, changes}
	return changes
}

func (m *memory) triedBefore(id objectID) (told trial, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	told, known = m.tried[id]
	return told, known
}

// try tells, by a dry run, whether applying the object would change it.
func (a *Applier) try(ctx context.Context, id objectID, wanted *unstructured.Unstructured) (changes bool, err error) {
	present := &unstructured.Unstructured{}
	present.SetGroupVersionKind(id.kind)
	if err := a.live.Get(ctx, id.key, present); err != nil {
		return false, err
	}
	tried := wanted.DeepCopy()
	err = a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(tried),
		client.FieldOwner(holder.FieldOwner), client.ForceOwnership, client.DryRunAll)
	return !equality.Semantic.DeepEqual(essence(present), essence(tried)), err
}

// essence is an object without what the cluster keeps beside what somebody wants.
func essence(object *unstructured.Unstructured) map[string]any {
	object.SetManagedFields(nil)
	object.SetResourceVersion("")
	object.SetGeneration(0)
	delete(object.Object, "status")
	return object.Object
}
