// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
)

// configurationAge is how old what is known of the aggregation layer may be when something is registered.
const configurationAge = time.Minute

// unconfigured says what the aggregation layer lacks and what to do about it, and is empty when nothing is known to be
// missing. It is asked only where nothing else explains more: just before an APIService is created, and when
// kube-apiserver itself is refused by the server.
func (r *Reconciler) unconfigured(s *scope) (missing string, known bool) {
	configuration, ended := r.Configurations.Last(s.Name, "", aggregation.AskedAgainAfter, r.Layer.Configuration)
	if r.Clock.Since(ended) > configurationAge {
		return "", false
	}
	if len(configuration.Missing) == 0 {
		return "", true
	}
	// Nothing tells when it changes.
	s.requeueAfter(aggregation.AskedAgainAfter)
	return diagnosis.MissingConfiguration(configuration.Missing), true
}
