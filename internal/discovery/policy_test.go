// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAPolicyFallsBackOnTheDefaultsOfTheSchema(t *testing.T) {
	for name, test := range map[string]struct {
		spec v1alpha1.Discovery
		want Policy
	}{
		"nothing is set": {v1alpha1.Discovery{}, Policy{
			Interval: 30 * time.Second, Limit: 5 * time.Second, Warning: 2500 * time.Millisecond,
			FailureThreshold: 3, SuccessThreshold: 2,
		}},
		"everything is set": {
			v1alpha1.Discovery{
				Interval: &metav1.Duration{Duration: time.Minute}, Limit: &metav1.Duration{Duration: time.Second},
				WarningPercent: 80, FailureThreshold: 5, SuccessThreshold: 4,
			},
			Policy{
				Interval: time.Minute, Limit: time.Second, Warning: 800 * time.Millisecond,
				FailureThreshold: 5, SuccessThreshold: 4,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := PolicyOf(test.spec); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
