// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"

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
		KubeAPIServers: e.KubeAPIServers.Clients, Permitted: objectcheck.PermissionOf(e.Client),
		Document: e.Prober.Document, Clock: clock.RealClock{}, UserAgent: objectcheck.UserAgent,
		Patience: objectcheck.Background(),
	}
	target := objectcheck.Target{
		GroupVersions: p.Objects.GroupVersions, Replica: p.Objects.Replica, Trust: *p.Probe,
		Last: p.Objects.Last,
	}
	e.Objects.Start(e.s.Name, p.Objects.Version, p.Objects.MaxAge, func(ctx context.Context) objects.Result {
		return checker.Check(ctx, target)
	})
}
