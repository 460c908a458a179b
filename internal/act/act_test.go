// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

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

func conflict(name string) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, name, errors.New("changed"))
}

func TestAConflictIsNoErrorButIsRetried(t *testing.T) {
	other, another := errors.New("other"), errors.New("another")
	for name, test := range map[string]struct {
		err   error
		left  []error
		retry time.Duration
	}{
		"no error":                {nil, nil, 0},
		"another error":           {other, []error{other}, 0},
		"a conflict":              {conflict("a"), nil, conflictRetry},
		"a conflict with a cause": {fmt.Errorf("storing: %w", conflict("a")), nil, conflictRetry},
		"several conflicts":       {errors.Join(conflict("a"), conflict("b")), nil, conflictRetry},
		"several errors":          {errors.Join(other, another), []error{other, another}, 0},
		"a conflict and others":   {errors.Join(other, conflict("a"), another), []error{other, another}, conflictRetry},
		"a conflict deep in others": {
			errors.Join(other, errors.Join(errors.Join(conflict("a")), another)), []error{other, another}, conflictRetry,
		},
	} {
		t.Run(name, func(t *testing.T) {
			left, retry := WithoutConflicts(test.err)
			if retry != test.retry {
				t.Errorf("it is retried after %s, want %s", retry, test.retry)
			}
			if (left == nil) != (len(test.left) == 0) || apierrors.IsConflict(left) {
				t.Errorf("the error is %v", left)
			}
			for _, want := range test.left {
				if !errors.Is(left, want) {
					t.Errorf("the error is %v, without %v", left, want)
				}
			}
		})
	}
}

func TestAPlanIsExecutedAgainAfterAConflict(t *testing.T) {
	e := &execution{}
	if err := e.tolerateConflicts(conflict("a")); err != nil || e.out.Retry != conflictRetry {
		t.Errorf("the error is %v, and it is retried after %s", err, e.out.Retry)
	}
}
