// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Trust is the bundle (PEM) that clients verify the server with, nil while there is none: the stored one, or
// spec.existingService.caBundle. Where the stored one is lost or cannot be read, it is what the APIServices trust:
// requests are verified with that.
func (s *Snapshot) Trust() []byte {
	if existing := s.Spec.ExistingService; existing != nil && existing.CABundleFrom == nil {
		if _, err := pki.ParseBundle(existing.CABundle, s.Now); err != nil {
			return nil
		}
		return existing.CABundle
	}
	if stored := s.Certificates.Value().Stored.Bundle; len(stored) > 0 {
		return stored
	}
	registered := pki.Extend(nil, slices.Concat(s.CABundles()...), s.Now)
	if len(registered) == 0 {
		return nil
	}
	bundle, err := cert.EncodeCertificates(registered...)
	if err != nil {
		return nil // they were parsed a moment ago
	}
	return bundle
}
