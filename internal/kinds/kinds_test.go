// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAKindIsUnknownWhereNotOnlyTheObjectIsMissing(t *testing.T) {
	configMap := corev1.Resource("configmaps")
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no error":                           {nil, false},
		"another error":                      {errors.New("connection refused"), false},
		"the object does not exist":          {apierrors.NewNotFound(configMap, "a"), false},
		"it is forbidden":                    {apierrors.NewForbidden(configMap, "a", nil), false},
		"its group-version is not served":    {notServed(true), true},
		"its kind is not served, others are": {notServed(false), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsUnknown(test.err); got != test.want {
				t.Errorf("unknown: %v, want %v", got, test.want)
			}
		})
	}
}

// notServed is an error of a client, for a response with or without a Status.
func notServed(isUnexpected bool) error {
	return apierrors.NewGenericServerResponse(
		http.StatusNotFound, "get", schema.GroupResource{}, "", "404 page not found", 0, isUnexpected)
}
