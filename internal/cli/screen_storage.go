// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// storage has a row for each endpoint.
func (s *screen) storage(storage *v1alpha1.StorageStatus) {
	if storage == nil {
		return
	}
	var rows [][]string
	for _, endpoint := range storage.Endpoints {
		expires := "-"
		if endpoint.CertificateNotAfter != nil {
			expires = s.until(endpoint.CertificateNotAfter.Time)
		}
		rows = append(rows, []string{
			printable(endpoint.Address), string(endpoint.Available), s.ago(endpoint.Since.Time), expires,
			printable(endpoint.Error),
		})
	}
	s.table("storage, from the operator", []string{"ENDPOINT", "AVAILABLE", "FOR", "CERTIFICATE EXPIRES", "ERROR"}, rows)
	if storage.CertificateNotAfter != nil {
		s.add("client certificate of the server: expires %s", s.until(storage.CertificateNotAfter.Time))
	}
}
