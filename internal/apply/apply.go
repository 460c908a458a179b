// SPDX-License-Identifier: Apache-2.0

// Package apply writes the operator's objects by server-side apply, and only when there is something to write.
//
// The API server decides what a change is: an object is applied again when the wanted configuration differs from the
// one applied last, or when anybody has written the object since. What was applied is kept in memory; after a restart
// each object is applied once more, which changes nothing when nothing is to be changed.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
)

// Applier applies the objects of one owner.
type Applier struct {
	client client.Client
	// live reads around the cache, which holds only objects with the owner label.
	live  client.Reader
	owner holder.Owner
	// withheld gets what is not written; where it is nil, everything is.
	withheld *Withheld
	*memory
}

// memory outlives a reconciliation. An Applier shares it with those that were derived from it.
type memory struct {
	mu      sync.Mutex
	applied map[objectID]record
	tried   map[objectID]trial
	putBack *flowcontrol.Backoff
}

type objectID struct {
	kind schema.GroupVersionKind
	key  client.ObjectKey
}

// record is what was applied, and the object's version right after.
type record struct {
	uid           types.UID
	configuration [sha256.Size]byte
	version       string
	// resourceVersion tells what is older than that.
	resourceVersion string
}

func newRecord(object client.Object, configuration [sha256.Size]byte) record {
	return record{object.GetUID(), configuration, version(object), object.GetResourceVersion()}
}

// isOf tells whether just this was applied to just this object, and nobody has changed it since.
func (r record) isOf(object client.Object, configuration [sha256.Size]byte) bool {
	return r.uid == object.GetUID() && r.configuration == configuration && r.version == version(object)
}

// New returns an Applier of an owner who has nothing. Every object with the owner label must be in the cache.
func New(cached client.Client, live client.Reader, clk clock.Clock) *Applier {
	return &Applier{client: cached, live: live, memory: &memory{
		applied: map[objectID]record{}, tried: map[objectID]trial{}, putBack: newBackoff(clk),
	}}
}

// For returns an Applier of the owner's objects.
func (a *Applier) For(owner holder.Owner) *Applier {
	derived := *a
	derived.owner = owner
	return &derived
}

// ConflictError says that an object of the wanted name belongs to somebody else.
type ConflictError struct {
	Kind, Namespace, Name string
	// Holder says whose it is, as far as the object tells.
	Holder holder.Holder
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s exists already and belongs to %s",
		nameOf(e.Kind, client.ObjectKey{Namespace: e.Namespace, Name: e.Name}), e.Holder)
}

// nameOf is what messages call an object.
func nameOf(kind string, key client.ObjectKey) string {
	if key.Namespace == "" {
		return kind + " " + key.Name
	}
	return kind + " " + key.String()
}

// Apply makes the object be as configuration says, unless it is already, and returns what it is then; of some kinds
// only the metadata. It returns a *ConflictError when an object of that name is not the owner's, a *FightError when
// somebody else keeps changing it, and otherwise the API server's error.
func (a *Applier) Apply(ctx context.Context, configuration runtime.ApplyConfiguration) (client.Object, error) {
	wanted, sum, err := encode(configuration)
	if err != nil {
		return nil, err
	}
	id := objectID{wanted.GroupVersionKind(), client.ObjectKeyFromObject(wanted)}
	current, err := a.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if current != nil {
		if err := a.checkOwner(wanted, current, a.recorded(id).uid); err != nil {
			return nil, err
		}
		if a.recorded(id).isOf(current, sum) && carries(current, wanted) {
			return current, nil
		}
	}
	if a.withheld != nil {
		return a.withhold(ctx, id, wanted, sum, current), nil
	}
	return wanted, a.writeUnlessFought(ctx, id, wanted, sum, current)
}

// writeUnlessFought writes what there is to write, ever more seldom when somebody else keeps changing it.
func (a *Applier) writeUnlessFought(
	ctx context.Context, id objectID, wanted *unstructured.Unstructured, sum [sha256.Size]byte, current client.Object,
) error {
	repair := a.isRepair(id, current, sum)
	if repair {
		if err := a.mayPutBack(id, current); err != nil {
			return err
		}
	}
	if err := a.write(ctx, wanted, current); err != nil {
		return err
	}
	if repair {
		a.hasPutBack(id)
	}
	a.remember(id, newRecord(wanted, sum))
	return nil
}

// write applies wanted over current, which is nil where there is none, and fills wanted with what became of it.
func (a *Applier) write(ctx context.Context, wanted *unstructured.Unstructured, current client.Object) error {
	if current != nil {
		wanted.SetUID(current.GetUID()) // what somebody has made in its place meanwhile is not written over
	}
	err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted),
		client.FieldOwner(holder.FieldOwner), client.ForceOwnership)
	if current == nil || !apierrors.IsInvalid(err) || !inventory.KindOf(wanted.GroupVersionKind()).Recreatable {
		return err
	}
	if err := a.delete(ctx, current, metav1.DeletePropagationBackground); err != nil {
		return err
	}
	wanted.SetUID("")
	return a.write(ctx, wanted, nil)
}

func (m *memory) recorded(id objectID) record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied[id]
}

func (m *memory) remember(id objectID, r record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied[id] = r
}

func (m *memory) forget(id objectID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.applied, id)
	delete(m.tried, id)
}

// get returns the object's metadata, nil when there is none. What the cache does not have is looked up, since an object
// without the owner label may be somebody else's.
func (a *Applier) get(ctx context.Context, id objectID) (client.Object, error) {
	object := inventory.KindOf(id.kind).New()
	err := a.client.Get(ctx, id.key, object)
	if apierrors.IsNotFound(err) {
		err = a.live.Get(ctx, id.key, object)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// checkOwner returns a *ConflictError unless the object is the owner's. When one that is nothing but marks has lost
// them, its managed fields no longer show that the operator applied it; then it counts that just this object was.
func (a *Applier) checkOwner(wanted, current client.Object, applied types.UID) error {
	if a.owner.Owns(current) || current.GetUID() == applied && holder.IsUnmarked(current) {
		return nil
	}
	return &ConflictError{
		Kind:      wanted.GetObjectKind().GroupVersionKind().Kind,
		Namespace: wanted.GetNamespace(),
		Name:      wanted.GetName(),
		Holder:    a.owner.HolderOf(current),
	}
}

func encode(configuration runtime.ApplyConfiguration) (*unstructured.Unstructured, [sha256.Size]byte, error) {
	encoded, err := json.Marshal(configuration)
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	object := &unstructured.Unstructured{}
	return object, sha256.Sum256(encoded), json.Unmarshal(encoded, object)
}
