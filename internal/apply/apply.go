// SPDX-License-Identifier: Apache-2.0

// Package apply writes the operator's objects by server-side apply, and only if there is something to write.
//
// The API server determines what has changed: an object is applied again if the wanted configuration differs from the
// one last applied, or if any client has written the object since. What was applied is kept in memory. After a restart
// each object is applied once, which changes nothing if it is up to date, unless the whole of it is in the cache.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/json"
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

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Applier applies the objects of one owner.
type Applier struct {
	client client.Client
	// live bypasses the cache, which contains only objects with the owner label.
	live  client.Reader
	owner ownership.Identity
	// withheld collects the changes that are not written; if it is nil, all are written.
	withheld *Withheld
	// contentions collects what is reverted again and again, nil if that is not reported.
	contentions *Contentions
	*memory
}

// memory outlives a reconciliation. An Applier shares it with those derived from it.
type memory struct {
	mu      sync.Mutex
	applied map[objectID]record
	trials  map[objectID]trial
	reverts *flowcontrol.Backoff
}

type objectID struct {
	kind schema.GroupVersionKind
	key  client.ObjectKey
}

// record is what was applied, and the object's version right afterwards.
type record struct {
	uid           types.UID
	configuration [sha256.Size]byte
	version       string
	// resourceVersion identifies objects that are older than that.
	resourceVersion string
}

func newRecord(object client.Object, configuration [sha256.Size]byte) record {
	return record{object.GetUID(), configuration, version(object), object.GetResourceVersion()}
}

// isOf reports whether this configuration was applied to this object, and no client has changed it since.
func (r record) isOf(object client.Object, configuration [sha256.Size]byte) bool {
	return r.uid == object.GetUID() && r.configuration == configuration && r.version == version(object)
}

// New returns an Applier of an owner without objects. Every object with the owner label must be in the cache.
func New(cached client.Client, live client.Reader, clk clock.Clock) *Applier {
	return &Applier{client: cached, live: live, memory: &memory{
		applied: map[objectID]record{}, trials: map[objectID]trial{}, reverts: newBackoff(clk),
	}}
}

// For returns an Applier of the owner's objects.
func (a *Applier) For(owner ownership.Identity) *Applier {
	derived := *a
	derived.owner = owner
	return &derived
}

// request is to apply an object.
type request struct {
	id     objectID
	wanted *unstructured.Unstructured
	sum    [sha256.Size]byte
	// current is the object as it is, nil if there is none.
	current client.Object
}

// Apply applies configuration, unless the object is up to date, and returns the resulting object; of some kinds only
// the metadata. It returns a *ConflictError if an object of that name belongs to another owner, a *ContentionError if
// another client keeps changing it, and otherwise the API server's error.
func (a *Applier) Apply(ctx context.Context, configuration runtime.ApplyConfiguration) (client.Object, error) {
	r, err := a.newRequest(ctx, configuration)
	if err != nil {
		return nil, err
	}
	return a.apply(ctx, r)
}

// ApplyTo is Apply for an object that was observed: if it is gone, it is not created again, nor is another object of
// its name changed, and found is false.
func (a *Applier) ApplyTo(
	ctx context.Context, observed types.UID, configuration runtime.ApplyConfiguration,
) (found bool, err error) {
	r, err := a.newRequest(ctx, configuration)
	if err != nil || r.current == nil || r.current.GetUID() != observed {
		return false, err
	}
	_, err = a.apply(ctx, r)
	return true, err
}

// Create is Apply for an object that does not exist, as reading around the cache has just shown.
func (a *Applier) Create(ctx context.Context, configuration runtime.ApplyConfiguration) error {
	r, err := requestFor(configuration)
	if err != nil {
		return err
	}
	_, err = a.apply(ctx, r)
	return err
}

func (a *Applier) newRequest(ctx context.Context, configuration runtime.ApplyConfiguration) (r request, err error) {
	if r, err = requestFor(configuration); err == nil {
		r.current, err = a.get(ctx, r.id)
	}
	return r, err
}

// requestFor is a request to apply an object that does not exist.
func requestFor(configuration runtime.ApplyConfiguration) (r request, err error) {
	if r.wanted, r.sum, err = encode(configuration); err == nil {
		r.id = objectID{r.wanted.GroupVersionKind(), client.ObjectKeyFromObject(r.wanted)}
	}
	return r, err
}

func (a *Applier) apply(ctx context.Context, r request) (client.Object, error) {
	if r.current != nil {
		if err := a.checkOwner(r.wanted, r.current, a.recorded(r.id).uid); err != nil {
			return nil, err
		}
		switch known := a.recorded(r.id); {
		case known.isOf(r.current, r.sum) && hasMarks(r.current, r.wanted):
			return r.current, nil
		case known == record{} && isAsWanted(r.current, r.wanted):
			a.remember(r.id, newRecord(r.current, r.sum))
			return r.current, nil
		}
	}
	if a.withheld != nil {
		return a.withhold(ctx, r), nil
	}
	return r.wanted, a.writeUnlessContended(ctx, r)
}

// writeUnlessContended writes the object, an APIService with exponential backoff if another client keeps changing it.
func (a *Applier) writeUnlessContended(ctx context.Context, r request) error {
	repair := a.isRepair(r.id, r.current, r.sum)
	var by *ownership.Contender
	if repair {
		var err error
		if by, err = a.beforeRevert(ctx, r); err != nil {
			return err
		}
	}
	if err := a.write(ctx, r.wanted, r.current); err != nil {
		return err
	}
	if repair {
		a.reverted(r, by)
	}
	a.remember(r.id, newRecord(r.wanted, r.sum))
	return nil
}

// write applies wanted over current, which is nil if there is none, and stores the resulting object in wanted.
func (a *Applier) write(ctx context.Context, wanted *unstructured.Unstructured, current client.Object) error {
	if current != nil {
		wanted.SetUID(current.GetUID()) // do not overwrite an object that another client has created in its place meanwhile
	}
	err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted),
		client.FieldOwner(ownership.FieldOwner), client.ForceOwnership)
	if current == nil || !apierrors.IsInvalid(err) || !inventory.KindOf(wanted.GroupVersionKind()).Recreatable ||
		!a.isValid(ctx, wanted) {
		return err
	}
	if err := a.delete(ctx, current, metav1.DeletePropagationBackground); err != nil {
		return err
	}
	wanted.SetUID("")
	return a.write(ctx, wanted, nil)
}

// isValid reports whether the API server would create the object, in place of the one that there is.
func (a *Applier) isValid(ctx context.Context, wanted *unstructured.Unstructured) bool {
	created := wanted.DeepCopy()
	created.SetUID("")
	created.SetResourceVersion("")
	return apierrors.IsAlreadyExists(a.client.Create(ctx, created, client.DryRunAll))
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
	delete(m.trials, id)
}

// get returns the object's metadata, nil if there is none. An object that is not in the cache is read from the API
// server, since one without the owner label may belong to another owner.
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

// checkOwner returns a *ConflictError unless the object belongs to the owner. If an object that consists only of marks
// has lost them, its managed fields no longer show that the operator applied it; then the record of having applied this
// object decides. Managed fields of an APIService always show it: one without was taken over by another owner, which
// need not be in the cache yet when a plan was made.
func (a *Applier) checkOwner(wanted, current client.Object, applied types.UID) error {
	kind := wanted.GetObjectKind().GroupVersionKind().Kind
	if a.owner.Owns(current) || !contended[kind] && current.GetUID() == applied && ownership.IsUnmarked(current) {
		return nil
	}
	return &ConflictError{
		Kind:      kind,
		Namespace: wanted.GetNamespace(),
		Name:      wanted.GetName(),
		Owner:     a.owner.OwnerOf(current),
	}
}

// encode returns the configuration, and a hash of what it wants: a resourceVersion is a precondition.
func encode(
	configuration runtime.ApplyConfiguration,
) (object *unstructured.Unstructured, sum [sha256.Size]byte, err error) {
	encoded, err := json.Marshal(configuration)
	if err != nil {
		return nil, sum, err
	}
	object = &unstructured.Unstructured{}
	if err := json.Unmarshal(encoded, object); err != nil {
		return nil, sum, err
	}
	wanted := object.DeepCopy()
	wanted.SetResourceVersion("")
	encoded, err = json.Marshal(wanted)
	return object, sha256.Sum256(encoded), err
}
