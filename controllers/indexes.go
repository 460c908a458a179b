// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/observe"
)

// indexRetry is the time between two attempts to add the indexes of a kind that is not served.
const indexRetry = time.Second

// indexing adds the indexes of the cache after the manager has started it. An index begins to fill the cache, and while
// that fails, as without the operator's own CRD, a manager that starts the cache can be neither elected nor stopped
// (controller-runtime pkg/manager/runnable_group.go).
type indexing struct {
	indexer client.FieldIndexer
	done    chan struct{}
}

func newIndexing(indexer client.FieldIndexer) indexing { return indexing{indexer, make(chan struct{})} }

// NeedLeaderElection implements manager.LeaderElectionRunnable: a standby fills its cache, too.
func (indexing) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (i indexing) Start(ctx context.Context) error {
	missing := observe.Indexes()
	err := wait.PollUntilContextCancel(ctx, indexRetry, true, func(ctx context.Context) (bool, error) {
		missing = slices.DeleteFunc(missing, func(index observe.Index) bool { return i.added(ctx, index) })
		return len(missing) == 0, nil
	})
	if err == nil {
		close(i.done)
	}
	return nil // what else there is, is the end of ctx
}

func (i indexing) added(ctx context.Context, index observe.Index) bool {
	err := index.AddTo(ctx, i.indexer)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot index the cache yet")
	}
	return err == nil
}

// indexedClient is a cached client whose indexes are added while it is in use.
type indexedClient struct {
	client.Client

	indexed <-chan struct{}
}

// List waits for the indexes if it needs one.
func (c indexedClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if (&client.ListOptions{}).ApplyOptions(options).FieldSelector != nil {
		select {
		case <-c.indexed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.Client.List(ctx, list, options...)
}
