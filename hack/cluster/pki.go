// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"path/filepath"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// identity is a certificate to issue. With hosts it is also a serving certificate for these names and addresses.
type identity struct {
	name   string // of its files
	user   string
	groups []string
	hosts  []string
}

// identities returns the certificates that kubeadm issues, with kubeadm's names if it has one.
func identities(n network, node string) []identity {
	hosts := []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"localhost", "127.0.0.1", n.APIService(), n.balancer(),
	}
	for i := range maxKubeAPIServers {
		hosts = append(hosts, n.kubeAPIServer(i+1))
	}
	return []identity{
		{name: "apiserver", user: "kube-apiserver", hosts: hosts},
		{name: "apiserver-kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
		{name: "admin", user: "kubernetes-admin", groups: []string{"system:masters"}},
		{name: "controller-manager", user: "system:kube-controller-manager"},
		{name: "scheduler", user: "system:kube-scheduler"},
		{name: "proxy", user: "system:kube-proxy"},
		{name: "kubelet", user: "system:node:" + node, groups: []string{"system:nodes"}, hosts: []string{node, n.Node()}},
	}
}

// writePKI writes every key and certificate of the cluster into dir: the cluster's CA and identities, the CA and
// the client certificate of the aggregation layer, and the key that signs service account tokens.
func writePKI(dir string, n network, node string) error {
	ca, err := newAuthority(dir, "ca")
	if err != nil {
		return err
	}
	for _, id := range identities(n, node) {
		if err := ca.issue(dir, id); err != nil {
			return err
		}
	}
	frontProxy, err := newAuthority(dir, "front-proxy-ca")
	if err != nil {
		return err
	}
	if err := frontProxy.issue(dir, identity{name: "front-proxy-client", user: "front-proxy-client"}); err != nil {
		return err
	}
	_, err = newKey(dir, "sa")
	return err
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority creates a CA that is valid for ten years, as are the certificates that it issues.
func newAuthority(dir, name string) (authority, error) {
	key, err := newKey(dir, name)
	if err != nil {
		return authority{}, err
	}
	cert, err := certutil.NewSelfSignedCACert(certutil.Config{CommonName: name}, key)
	if err != nil {
		return authority{}, err
	}
	return authority{cert, key}, writeCertificate(dir, name, cert)
}

func (a authority) issue(dir string, id identity) error {
	key, err := newKey(dir, id.name)
	if err != nil {
		return err
	}
	template := id.template()
	template.NotBefore, template.NotAfter = a.cert.NotBefore, a.cert.NotAfter
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return writeCertificate(dir, id.name, cert)
}

func (id identity) template() *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: id.user, Organization: id.groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(id.hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range id.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

func newKey(dir, name string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(filepath.Join(dir, name+".key"), pem, 0o600)
}

func writeCertificate(dir, name string, cert *x509.Certificate) error {
	pem, err := certutil.EncodeCertificates(cert)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".crt"), pem, 0o600)
}
