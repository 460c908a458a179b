// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
)

// marked is the bundle of the APIServices, with a mark that has kube-apiserver connect again when a Pod has left.
func (r *Reconciler) marked(s *scope, registered map[string]*apiregistrationv1.APIService) []byte {
	if s.trust == nil || s.Spec.Server == nil {
		return s.trust
	}
	moment := reconnect.Next(reconnect.Seen{
		Bundles: caBundles(registered),
		Pods:    s.pods,
		Stays:   len(s.endpoints) > 0 && !s.isSuspended(),
		Fails:   !allAvailable(registered) || throughIsBad(s, r.Prober.Last(s.Name)),
	}, r.Clock.Now())
	if moment.Wait > 0 {
		s.requeueAfter(moment.Wait)
	}
	s.connectsAnew = moment.At
	return reconnect.Mark(s.trust, moment.Last)
}

func allAvailable(registered map[string]*apiregistrationv1.APIService) bool {
	for _, apiService := range registered {
		if !isAvailable(apiService) {
			return false
		}
	}
	return true
}
