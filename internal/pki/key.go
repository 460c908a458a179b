// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// newKey returns a new private key.
func newKey(algorithm v1alpha1.KeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case v1alpha1.KeyECDSA256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case v1alpha1.KeyECDSA384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case v1alpha1.KeyRSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case v1alpha1.KeyRSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	default:
		return nil, fmt.Errorf("unknown key algorithm %q", algorithm)
	}
}

// algorithmOf returns the algorithm of a key, which need not be one that newKey knows.
func algorithmOf(key crypto.PublicKey) v1alpha1.KeyAlgorithm {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return v1alpha1.KeyAlgorithm(fmt.Sprintf("ECDSA%d", key.Curve.Params().BitSize))
	case *rsa.PublicKey:
		return v1alpha1.KeyAlgorithm(fmt.Sprintf("RSA%d", key.N.BitLen()))
	default:
		return ""
	}
}

// usageOf is what a server's key is used for: in TLS 1.2, one of RSA may also encrypt the client's secret.
func usageOf(key crypto.PublicKey) x509.KeyUsage {
	if _, isRSA := key.(*rsa.PublicKey); isRSA {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}
