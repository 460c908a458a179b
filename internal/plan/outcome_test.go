// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

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
			retry, left := WithoutConflicts(test.err)
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
