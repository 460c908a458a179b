// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// clockSkew is how far the clocks of nodes may be behind the operator's clock.
const clockSkew = 5 * time.Minute

// KeyPair is a certificate with its private key, both PEM, as in a Secret of type kubernetes.io/tls.
type KeyPair struct {
	Certificate []byte
	Key         []byte
}

// KeyPairOf returns the key pair in the data of a Secret of type kubernetes.io/tls, empty where there is none.
func KeyPairOf(data map[string][]byte) KeyPair {
	return KeyPair{Certificate: data[corev1.TLSCertKey], Key: data[corev1.TLSPrivateKeyKey]}
}

// NewSigner creates a self-signed ECDSA P-256 CA. Clients accept its certificates only for dnsNames and their
// subdomains, or for any name if there are none.
func NewSigner(commonName string, now time.Time, validity time.Duration, dnsNames ...string) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	template, err := newTemplate(commonName, now, now.Add(validity))
	if err != nil {
		return KeyPair{}, err
	}
	template.IsCA = true
	template.MaxPathLenZero = true
	template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = dnsNames, len(dnsNames) > 0
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	return sign(template, template, key, key)
}

// IssueServing issues a serving certificate for dnsNames with a new ECDSA P-256 key. It never outlives the signer.
func (pair KeyPair) IssueServing(dnsNames []string, now time.Time, validity time.Duration) (KeyPair, error) {
	return pair.Issue(Request{DNSNames: dnsNames, KeyAlgorithm: v1alpha1.KeyECDSA256, Validity: validity}, now)
}

// Issue issues the requested serving certificate with a new key. It never outlives the signer.
func (pair KeyPair) Issue(request Request, now time.Time) (KeyPair, error) {
	authority, authorityKey, err := pair.parse()
	if err != nil {
		return KeyPair{}, fmt.Errorf("CA: %w", err)
	}
	key, err := newKey(request.KeyAlgorithm)
	if err != nil {
		return KeyPair{}, err
	}
	template, err := newTemplate(request.DNSNames[0], now, earlier(now.Add(request.Validity), authority.NotAfter))
	if err != nil {
		return KeyPair{}, err
	}
	template.DNSNames = request.DNSNames
	template.KeyUsage = usageOf(key.Public())
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if request.ForClients {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	return sign(template, authority, key, authorityKey)
}

func newTemplate(commonName string, now, notAfter time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		// X.509 limits a common name to 64 characters; clients check only the DNS names.
		Subject:               pkix.Name{CommonName: commonName[:min(len(commonName), 64)]},
		SerialNumber:          serial,
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
	}, nil
}

func sign(template, authority *x509.Certificate, key, authorityKey crypto.Signer) (KeyPair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	if err != nil {
		return KeyPair{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return KeyPair{}, err
	}
	certificatePEM, err := cert.EncodeCertificates(certificate)
	if err != nil {
		return KeyPair{}, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	return KeyPair{Certificate: certificatePEM, Key: keyPEM}, err
}

// empty reports whether there is neither certificate nor key.
func (pair KeyPair) empty() bool { return len(pair.Certificate) == 0 && len(pair.Key) == 0 }

// parse returns the first certificate and the key, and an error if they do not match.
func (pair KeyPair) parse() (*x509.Certificate, crypto.Signer, error) {
	certificates, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(pair.Key)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("the key is a %T, which cannot sign", parsed)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificates[0].PublicKey) {
		return nil, nil, errors.New("the key does not belong to the certificate")
	}
	return certificates[0], key, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
