// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/storage"
)

// conflictBackoff is between the attempts of a change that conflicts with those of others: eight within 3 s.
var conflictBackoff = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Jitter: 1, Steps: 8}

// retryOnConflict attempts a change of an object until it does not conflict. After the last attempt, or at the end of
// the context, it returns the conflict, as one of k8s.io/apiserver.
func retryOnConflict(ctx context.Context, key string, change func() error) error {
	conflicts := false
	err := wait.ExponentialBackoffWithContext(ctx, conflictBackoff, func(context.Context) (bool, error) {
		err := change()
		conflicts = errors.Is(err, ErrConflict)
		if conflicts {
			return false, nil
		}
		return true, err
	})
	if conflicts {
		return storage.NewResourceVersionConflictsError(key, 0)
	}
	return err
}
