// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// checkObjects has a server checked whose last check is too old, which wakes the reconciler.
func (e *execution) checkObjects(p plan.Plan) {
	if p.Objects == nil {
		return
	}
	checker := objectcheck.Checker{
		KubeAPIServers: e.KubeAPIServers.Clients, Permitted: e.permitted, Document: e.Prober.Document,
		Clock: clock.RealClock{},
	}
	target := objectcheck.Target{
		GroupVersions: p.Objects.GroupVersions, Replica: p.Objects.Replica, Trust: *p.Probe,
		Last: p.Objects.Last,
	}
	e.Objects.Start(e.s.Name, p.Objects.Version, p.Objects.MaxAge, func(ctx context.Context) objects.Result {
		return checker.Check(ctx, target)
	})
}

// permitted reports whether RBAC permits the operator a verb on a resource. Before anything is requested, so that the
// audit log has no refusal in it.
func (a *Actor) permitted(ctx context.Context, verb string, resource schema.GroupVersionResource) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: resource.Group, Version: resource.Version, Resource: resource.Resource,
		},
	}}
	err := a.Client.Create(ctx, review)
	return review.Status.Allowed, err
}
