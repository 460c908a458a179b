// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"

	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
)

// Existing is the ExtensionAPI's APIService of a group-version, nil where there is none.
func (s *Snapshot) Existing(groupVersion schema.GroupVersion) *apiregistrationv1.APIService {
	return s.Registered.Value()[manifests.APIServiceName(groupVersion)]
}

// ClaimTo returns the claim to a group-version of the spec, the zero value where it is unknown.
func (s *Snapshot) ClaimTo(groupVersion schema.GroupVersion) claims.Claim {
	for _, claim := range s.Claims.Value() {
		if claim.GroupVersion == groupVersion {
			return claim
		}
	}
	return claims.Claim{GroupVersion: groupVersion}
}

// InOrder returns APIServices in the order of their names, so that what is made of them is the same each time.
func InOrder(registered map[string]*apiregistrationv1.APIService) []*apiregistrationv1.APIService {
	var result []*apiregistrationv1.APIService
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		result = append(result, registered[name])
	}
	return result
}

// CABundles are those of the APIServices, without the CAs of the stand-in.
func (s *Snapshot) CABundles() [][]byte {
	var bundles [][]byte
	for _, apiService := range InOrder(s.Registered.Value()) {
		bundle := apiService.Spec.CABundle
		if s.StandIn.Serves(apiService) {
			bundle = reconnect.KeepMark(pki.Without(bundle, s.StandIn.CABundle), bundle)
		}
		bundles = append(bundles, bundle)
	}
	return bundles
}

// Available are the group-versions of the spec whose APIService kube-apiserver reports available, and that lead to the
// server.
func (s *Snapshot) Available() []schema.GroupVersion {
	return s.groupVersions(func(existing *apiregistrationv1.APIService) bool {
		return IsAvailable(existing) && !s.StandIn.Serves(existing)
	})
}

// Served are the group-versions that every replica should serve: the registered ones, as during a rollout old replicas
// need not serve a new one, or all of a server that is new itself.
func (s *Snapshot) Served() []schema.GroupVersion {
	registered := s.RegisteredVersions()
	if len(registered) == 0 {
		return manifests.GroupVersions(s.ExtensionAPI)
	}
	return registered
}

// IsAllAvailable reports whether there is an APIService, and kube-apiserver reports each of them available.
func (s *Snapshot) IsAllAvailable() bool {
	available := len(s.Available())
	return available > 0 && available == len(s.RegisteredVersions())
}

// AvailableSince is when the last one of the registered group-versions became available, zero if none is.
func (s *Snapshot) AvailableSince() (since time.Time) {
	for _, groupVersion := range s.Available() {
		if turned := Availability(s.Existing(groupVersion)).LastTransitionTime.Time; turned.After(since) {
			since = turned
		}
	}
	return since
}

// IsServed reports whether every group-version of the spec has an APIService that kube-apiserver reports available, and
// that leads to the server.
func (s *Snapshot) IsServed() bool {
	return len(s.Available()) == len(manifests.GroupVersions(s.ExtensionAPI))
}

// RegisteredVersions are the group-versions of the spec that have an APIService.
func (s *Snapshot) RegisteredVersions() []schema.GroupVersion {
	return s.groupVersions(func(existing *apiregistrationv1.APIService) bool { return existing != nil })
}

func (s *Snapshot) groupVersions(match func(*apiregistrationv1.APIService) bool) []schema.GroupVersion {
	return slices.DeleteFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return !match(s.Existing(groupVersion))
	})
}

// Availability is what kube-apiserver reports of an APIService, nil while it has reported nothing.
func Availability(apiService *apiregistrationv1.APIService) *apiregistrationv1.APIServiceCondition {
	if apiService == nil {
		return nil
	}
	return helper.GetAPIServiceConditionByType(apiService, apiregistrationv1.Available)
}

// IsAvailable reports whether kube-apiserver sends requests to the server.
func IsAvailable(apiService *apiregistrationv1.APIService) bool {
	return apiService != nil && helper.IsAPIServiceConditionTrue(apiService, apiregistrationv1.Available)
}

// FailedCheck is what kube-apiserver reports of its check of discovery, when that is why the APIService is not
// available (kube-aggregator pkg/controllers/status/remote).
func FailedCheck(apiService *apiregistrationv1.APIService) string {
	condition := Availability(apiService)
	if condition == nil || condition.Status == apiregistrationv1.ConditionTrue ||
		condition.Reason != "FailedDiscoveryCheck" {
		return ""
	}
	return Reported(condition)
}

// timeOut matches net/http's words for a response that takes too long. They differ with the state of the connection, so
// the message would change from one check to the next.
var timeOut = regexp.MustCompile(
	`(?:net/http: request canceled(?: while waiting for connection)?|context deadline exceeded)` +
		`(?: \(Client\.Timeout exceeded(?: while awaiting headers)?\))?`)

// Reported is kube-apiserver's message in a condition of an APIService: bounded, printable, and with every timeout in
// the same words.
func Reported(condition *apiregistrationv1.APIServiceCondition) string {
	return excerpt.Quote(timeOut.ReplaceAllString(condition.Message, "context deadline exceeded"))
}
