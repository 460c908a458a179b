// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Managed returns the signer to store, and what should be served if the operator issues the certificates.
func Managed(stored, serving pki.KeyPair, request pki.Request, now time.Time) (
	signer pki.KeyPair, want Desired, err error,
) {
	signer, authority, replaced, err := pki.KeepSigner(stored, request, now)
	if err != nil {
		return pki.KeyPair{}, Desired{}, err
	}
	replace := pki.CheckServing(serving, authority, request, now)
	if replace != "" {
		replace = cmp.Or(replaced, replace)
	}
	return signer, Desired{
		Host:        request.DNSNames[0],
		Authorities: []*x509.Certificate{authority},
		Replace:     replace,
		Issue: func() (pki.KeyPair, error) {
			return signer.Issue(request, now)
		},
	}, nil
}

// Provided returns what should be served if the certificate is provided by a user or another controller.
func Provided(serving, provided pki.KeyPair, authorities []*x509.Certificate, host string) Desired {
	want := Desired{
		Host:        host,
		Authorities: authorities,
		Issue:       func() (pki.KeyPair, error) { return provided, nil },
	}
	switch {
	case len(serving.Certificate) == 0:
		want.Replace = pki.NoServing
	case !bytes.Equal(serving.Certificate, provided.Certificate) || !bytes.Equal(serving.Key, provided.Key):
		want.Replace = "the Secret contains a different certificate"
	}
	return want
}
