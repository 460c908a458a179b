// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Withheld collects the changes that were not made. Its zero value is empty, and it is safe for concurrent use.
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

// Names returns the changes, unique and sorted.
func (w *Withheld) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.changes))
}

// Withholding returns an Applier that writes nothing, and adds to withheld what it would have changed. Its Apply
// returns the current object, or, if there is none, one without a UID.
func (a *Applier) Withholding(withheld *Withheld) *Applier {
	derived := *a
	derived.withheld = withheld
	return &derived
}

// Withhold notes an object that would be changed, of an Applier that withholds.
func (a *Applier) Withhold(kind string, key client.ObjectKey) { a.withheld.Add(kind, key) }

// WithoutWithholding returns an Applier that writes, even if this one withholds.
func (a *Applier) WithoutWithholding() *Applier { return a.Withholding(nil) }

// withhold returns the current object instead of the wanted one.
func (a *Applier) withhold(ctx context.Context, r request) client.Object {
	if r.current == nil {
		a.withheld.Add(r.id.kind.Kind, r.id.key)
		return r.wanted
	}
	of := record{uid: r.current.GetUID(), configuration: r.sum, version: version(r.current)}
	if !hasMarks(r.current, r.wanted) || a.wouldChange(ctx, r.id, r.wanted, of) {
		a.withheld.Add(r.id.kind.Kind, r.id.key)
	}
	return r.current
}

// trial is the result of a dry run.
type trial struct {
	record
	changes bool
}

// wouldChange queries the API server once for each version of the object and of the configuration. If the dry run
// fails, the object counts as changed: it would be applied.
func (a *Applier) wouldChange(ctx context.Context, id objectID, wanted *unstructured.Unstructured, r record) bool {
	if earlier, known := a.trialOf(id); known && earlier.record == r {
		return earlier.changes
	}
	changes, err := a.dryRun(ctx, id, wanted)
	if err != nil {
		log.FromContext(ctx).V(1).Info("dry run failed", "object", nameOf(id.kind.Kind, id.key), "error", err.Error())
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trials[id] = trial{r, changes}
	return changes
}

func (m *memory) trialOf(id objectID) (earlier trial, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	earlier, known = m.trials[id]
	return earlier, known
}

// dryRun reports, by a dry run, whether applying the object would change it.
func (a *Applier) dryRun(
	ctx context.Context, id objectID, wanted *unstructured.Unstructured,
) (changes bool, err error) {
	present := &unstructured.Unstructured{}
	present.SetGroupVersionKind(id.kind)
	if err := a.live.Get(ctx, id.key, present); err != nil {
		return false, err
	}
	trials := wanted.DeepCopy()
	err = a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(trials),
		client.FieldOwner(ownership.FieldOwner), client.ForceOwnership, client.DryRunAll)
	return !equality.Semantic.DeepEqual(contentOf(present), contentOf(trials)), err
}

// contentOf returns an object without the fields that the cluster maintains.
func contentOf(object *unstructured.Unstructured) map[string]any {
	object.SetManagedFields(nil)
	object.SetResourceVersion("")
	object.SetGeneration(0)
	delete(object.Object, "status")
	return object.Object
}
