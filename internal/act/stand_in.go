// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/standin"
)

const (
	// documentsAge is how old what is stored of a server may be. New replicas are read from at once.
	documentsAge = time.Hour
	// documentsRetry is when a server is read from again that could not be.
	documentsRetry = 30 * time.Second
)

// Documents are what a server answered, encoded, of the group-versions that the stand-in may serve.
type Documents struct {
	groupVersions      []schema.GroupVersion
	discovery, openAPI []byte
	err                error
}

// documents keeps what the server answers to discovery, for the time when it does not. While spec.suspend is true, what
// is kept stays as it is.
func (e *execution) documents(ctx context.Context, p *plan.Documents) error {
	switch {
	case !manifests.HasStandIn(e.s.ExtensionAPI):
		return e.removeLeft(ctx, inventory.OfStandIn())
	case p == nil || e.Observer.StandIn == nil || e.out.DryRun:
		return nil
	case e.isStoredAsSafe(p.Unsafe):
		return e.dropDocuments(ctx) // they are stored again, without these, once the server is read from
	case len(p.Target.Replicas) == 0:
		return nil
	}
	read, ended := e.readDocuments(p)
	if ended.IsZero() {
		return nil
	}
	if read.err != nil {
		ctrl.LoggerFrom(ctx).Info("what the server answers to discovery cannot be stored for the stand-in; retrying",
			"error", read.err.Error())
		return nil //nolint:nilerr // the next attempt follows, and there is nothing to be done about it
	}
	if len(read.groupVersions) == 0 {
		return e.dropDocuments(ctx)
	}
	return e.storeDocuments(ctx, read)
}

func (e *execution) storeDocuments(ctx context.Context, read Documents) error {
	_, err := e.applier.Apply(ctx, manifests.Documents(
		e.s.ExtensionAPI, e.Observer.OperatorNamespace, read.groupVersions, read.discovery, read.openAPI))
	if conflict, isConflict := errors.AsType[*apply.ConflictError](err); isConflict {
		ctrl.LoggerFrom(ctx).Info("discovery cannot be kept for the stand-in", "error", conflict.Error())
		return nil
	}
	return err
}

// dropDocuments removes what is kept, if anything is.
func (e *execution) dropDocuments(ctx context.Context) error {
	if len(e.s.StandIn.Documented) == 0 {
		return nil
	}
	_, err := e.removeAll(ctx, e.s, e.applier, inventory.OfStandIn())
	return err
}

// readDocuments reads them in the background where they are too old, which wakes the reconciler.
func (e *execution) readDocuments(p *plan.Documents) (read Documents, ended time.Time) {
	maxAge := documentsAge
	if last, ended := e.Documents.Result(e.s.Name, p.Version); last.err != nil && !ended.IsZero() {
		maxAge = documentsRetry
	}
	e.out.After(maxAge)
	return e.Documents.Last(e.s.Name, p.Version, maxAge, func(ctx context.Context) Documents {
		read, err := e.Prober.Documents(ctx, p.Target)
		if err != nil {
			return Documents{err: err}
		}
		return encoded(read, p.Unsafe)
	})
}

// isStoredAsSafe reports whether documents are stored of any of the group-versions.
func (e *execution) isStoredAsSafe(unsafe []schema.GroupVersion) bool {
	return slices.ContainsFunc(unsafe, func(of schema.GroupVersion) bool {
		return slices.Contains(e.s.StandIn.Documented, of)
	})
}

// encoded keeps the documents of group-versions of the safe class. OpenAPI that is too large is left out.
func encoded(read discovery.Documents, unsafe []schema.GroupVersion) (result Documents) {
	kept, openAPI := standin.Discovery{}, standin.OpenAPI{V3: read.OpenAPIV3}
	for _, resources := range read.Discovery {
		if standin.IsSafe(resources) && !slices.Contains(unsafe, standin.GroupVersionOf(resources)) {
			kept = append(kept, metav1.APIResourceList{
				GroupVersion: resources.GroupVersion, APIResources: resources.APIResources,
			})
			result.groupVersions = append(result.groupVersions, standin.GroupVersionOf(resources))
		} else {
			delete(openAPI.V3, resources.GroupVersion)
		}
	}
	openAPI.V2 = standin.OwnV2(read.OpenAPIV2, result.groupVersions)
	var err error
	if result.discovery, err = standin.Encode(kept); err != nil {
		return Documents{err: err}
	}
	if len(result.discovery) > limits.StoredDiscovery {
		return Documents{err: fmt.Errorf("its discovery takes more than %d KiB", limits.StoredDiscovery>>10)}
	}
	result.openAPI, err = standin.Encode(openAPI)
	if len(result.openAPI) > limits.StoredOpenAPI {
		result.openAPI, err = standin.Encode(standin.OpenAPI{})
	}
	result.err = err
	return result
}

// switched counts and reports that an APIService was led to the stand-in, or back to the server.
func (e *execution) switched(g *plan.GroupVersion) {
	if g.StandIn != e.s.StandIn.Serves(g.Existing) {
		e.Switched(e.s.Name, g.StandIn)
	}
	if g.Undone != "" {
		e.note(finding.WarningNote(v1alpha1.ReasonStandInFailed, g.Undone, g.Existing))
	}
}

// returns reports whether the APIService is led from the stand-in back to the server. That outranks spec.suspend: the
// server would otherwise get no request although it answers.
func (e *execution) returns(g *plan.GroupVersion) bool {
	return !g.StandIn && e.s.StandIn.Serves(g.Existing)
}

// errNotLoaded passes within seconds of a start: without its CAs, an APIService would trust the stand-in for good.
var errNotLoaded = errors.New("the certificate of the stand-in has not been read yet")

// LeaveStandIn leads APIServices back to the server, whether or not it answers, and drops what is kept of the server.
func (a *Actor) LeaveStandIn(ctx context.Context, s *snapshot.Snapshot) error {
	if err := a.leadBack(ctx, s); err != nil {
		return err
	}
	_, err := a.removeAll(ctx, s, a.For(s.ExtensionAPI), inventory.OfStandIn())
	return err
}

func (a *Actor) leadBack(ctx context.Context, s *snapshot.Snapshot) error {
	if a.Observer.StandIn == nil {
		return nil
	}
	trusted := a.Observer.StandIn.CABundle()
	registered, err := a.Observer.RegisteredNow(ctx, s.ExtensionAPI)
	if err != nil {
		return err
	}
	var errs []error
	for _, apiService := range snapshot.InOrder(registered) {
		if spec := apiService.Spec; a.Observer.StandIn.Service.IsBackendOf(apiService) {
			if trusted == nil {
				return errNotLoaded
			}
			bundle := pki.Without(spec.CABundle, trusted)
			wanted := manifests.APIService(s.ExtensionAPI, schema.GroupVersion{Group: spec.Group, Version: spec.Version},
				spec.GroupPriorityMinimum, spec.VersionPriority, reconnect.Remark(bundle, a.Clock.Now()))
			_, err := a.For(s.ExtensionAPI).ApplyTo(ctx, apiService.UID, wanted)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
