// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// PolicyOf returns the policy of spec.discovery, with its defaults.
func PolicyOf(spec v1alpha1.Discovery) Policy {
	limit := ptr.Deref(spec.Limit, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryLimit}).Duration
	return Policy{
		Interval:         ptr.Deref(spec.Interval, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryInterval}).Duration,
		Limit:            limit,
		Warning:          limit * time.Duration(cmp.Or(spec.WarningPercent, v1alpha1.DefaultWarningPercent)) / 100,
		FailureThreshold: int(cmp.Or(spec.FailureThreshold, v1alpha1.DefaultFailureThreshold)),
		SuccessThreshold: int(cmp.Or(spec.SuccessThreshold, v1alpha1.DefaultSuccessThreshold)),
	}
}
