// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// emptyCluster has no objects, and counts those that are applied.
type emptyCluster struct {
	client.Client

	mu      sync.Mutex
	applied int
}

func (c *emptyCluster) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (c *emptyCluster) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applied++
	return nil
}

// executing is the execution of a plan for a snapshot in a cluster; what is not written is added to withheld.
func executing(s *snapshot.Snapshot, cluster *emptyCluster, withheld *apply.Withheld) *execution {
	actor := &Actor{Client: cluster, Live: cluster, Applier: apply.New(cluster, cluster, clock.RealClock{})}
	e := &execution{Actor: actor, s: s, applier: actor.For(s.ExtensionAPI)}
	if e.out.DryRun = s.Spec.Suspend; e.out.DryRun {
		e.applier = e.applier.Withholding(withheld)
	}
	return e
}
