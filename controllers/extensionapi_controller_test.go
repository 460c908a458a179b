// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAReconciliationIsRepeatedAfterAConflictAndRetriedAfterAnError(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{}, "a", errors.New("changed"))
	failed := errors.New("timeout")
	for name, test := range map[string]struct {
		recheck time.Duration
		err     error
		want    time.Duration
		fails   bool
	}{
		"nothing is left":                   {0, nil, 0, false},
		"something changes by itself":       {time.Minute, nil, time.Minute, false},
		"a conflict":                        {0, conflict, time.Second, false},
		"a conflict, and it changes later":  {time.Minute, conflict, time.Second, false},
		"a conflict, and it changes sooner": {time.Millisecond, conflict, time.Millisecond, false},
		"an error":                          {time.Minute, failed, 0, true},
		"an error and a conflict":           {0, errors.Join(failed, conflict), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := result(test.recheck, test.err)
			if got.RequeueAfter != test.want || (err != nil) != test.fails || apierrors.IsConflict(err) {
				t.Errorf("it is reconciled again after %s (%v), want %s", got.RequeueAfter, err, test.want)
			}
		})
	}
}
