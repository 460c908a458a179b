// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// Bounds of the schema, in bytes where it counts characters, and of Events.
const (
	// maxMessage is the longest message of a condition, far below what its schema allows (32,768).
	maxMessage = 4096
	// MaxNote is the longest note that an Event may have (k8s.io/kubernetes pkg/apis/core/validation/events.go).
	MaxNote        = 1024
	maxErrorLength = 1024
	maxChange      = 512
	maxAddress     = 300
	maxPodName     = 253
	maxGroups      = 4096
	// maxStorageError is the longest error of an endpoint of the storage.
	maxStorageError = 512
)

// Bound makes every text of a status printable, and as short as its schema asks for. What was overlooked where it
// came in would keep the status from being written, and with that the operator from being believed.
func Bound(status *v1alpha1.ExtensionAPIStatus) {
	bound(&status.Groups, maxGroups)
	for i := range status.Conditions {
		bound(&status.Conditions[i].Message, maxMessage)
	}
	for i := range status.APIServices {
		apiService := &status.APIServices[i]
		for j := range apiService.AdoptionChanges {
			boundChange(&apiService.AdoptionChanges[j])
		}
		boundError(apiService.Discovery)
	}
	for i := range status.Endpoints {
		endpoint := &status.Endpoints[i]
		bound(&endpoint.Address, maxAddress)
		bound(&endpoint.Pod, maxPodName)
		boundError(endpoint.Discovery)
		if endpoint.Ejected != nil {
			bound(&endpoint.Ejected.Message, maxErrorLength)
		}
	}
	boundStorage(status.Storage)
	if certificate := status.Certificate; certificate != nil && certificate.Rotation != nil {
		bound(&certificate.Rotation.Next, maxErrorLength)
	}
}

func boundStorage(storage *v1alpha1.StorageStatus) {
	if storage == nil {
		return
	}
	for i := range storage.Endpoints {
		bound(&storage.Endpoints[i].Address, maxAddress)
		bound(&storage.Endpoints[i].Error, maxStorageError)
	}
}

func boundChange(change *v1alpha1.FieldChange) {
	bound(&change.Field, maxChange)
	for _, value := range []*string{change.From, change.To} {
		if value != nil {
			bound(value, maxChange)
		}
	}
}

func boundError(discovery *v1alpha1.DiscoveryStatus) {
	if discovery != nil {
		bound(&discovery.Error, maxErrorLength)
	}
}

func bound(text *string, length int) { *text = excerpt.Of(*text, length) }
