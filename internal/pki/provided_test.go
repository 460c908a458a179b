// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

const providedFor = "wardle.wardle-system.svc"

var issuedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// issued is a certificate with its key, which the tables below vary.
type issued struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pair        KeyPair
}

// issue issues a certificate signed by authority, a self-signed one if that is nil.
func issue(t *testing.T, authority *issued, change func(template *x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template, err := newTemplate("test", issuedAt, issuedAt.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	change(template)
	parent, parentKey := template, key
	if authority != nil {
		parent, parentKey = authority.certificate, authority.key
	}
	pair, err := sign(template, parent, key, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, _, err := pair.parse()
	if err != nil {
		t.Fatal(err)
	}
	return &issued{certificate, key, pair}
}

func asAuthority(name string, changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(template *x509.Certificate) {
		template.IsCA = true
		template.Subject.CommonName = name
		template.KeyUsage = x509.KeyUsageCertSign
		for _, change := range changes {
			change(template)
		}
	}
}

func asServer(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(template *x509.Certificate) {
		template.DNSNames = []string{providedFor}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, change := range changes {
			change(template)
		}
	}
}

func forNames(dnsNames ...string) func(*x509.Certificate) {
	return func(template *x509.Certificate) { template.DNSNames = dnsNames }
}

func forClients(template *x509.Certificate) {
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

func inCommonName(template *x509.Certificate) { template.Subject.CommonName = providedFor }

func expiredAfterAnHour(template *x509.Certificate) { template.NotAfter = issuedAt.Add(time.Hour) }

func TestCheckProvidedAccepts(t *testing.T) {
	root := issue(t, nil, asAuthority("root"))
	intermediate := issue(t, root, asAuthority("intermediate"))
	other := issue(t, nil, asAuthority("other"))
	leaf := issue(t, root, asServer())
	wild := issue(t, root, asServer(forNames("*.wardle-system.svc")))
	tests := map[string]struct {
		pair KeyPair
		ca   []byte
	}{
		"a certificate of the CA":           {leaf.pair, root.pair.Certificate},
		"one CA among others":               {leaf.pair, slices.Concat(other.pair.Certificate, root.pair.Certificate)},
		"a chain with an intermediate":      {below(t, intermediate), root.pair.Certificate},
		"an intermediate as the trusted CA": {issue(t, intermediate, asServer()).pair, intermediate.pair.Certificate},
		"a wildcard":                        {wild.pair, root.pair.Certificate},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			authorities, err := CheckProvided(test.pair, test.ca, providedFor, issuedAt)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(authorities), strings.Count(string(test.ca), "BEGIN"); got != want {
				t.Errorf("got %d authorities, want %d", got, want)
			}
		})
	}
}

func TestCheckProvidedRejects(t *testing.T) {
	root := issue(t, nil, asAuthority("root"))
	leaf := issue(t, root, asServer())
	good, ca := leaf.pair, root.pair.Certificate
	garbage := []byte("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n")
	// issuedByRoot returns a pair issued by root.
	issuedByRoot := func(change func(*x509.Certificate)) KeyPair { return issue(t, root, change).pair }
	intermediate := issue(t, root, asAuthority("intermediate"))
	short := issue(t, nil, asAuthority("short", expiredAfterAnHour))
	shortIntermediate := issue(t, root, asAuthority("short intermediate", expiredAfterAnHour))
	clients := issue(t, nil, asAuthority("clients", forClients))
	elsewhere := issue(t, nil, asAuthority("elsewhere", func(template *x509.Certificate) {
		template.PermittedDNSDomains = []string{"example.com"}
	}))
	namesake := issue(t, nil, asAuthority("root"))
	selfSigned := issue(t, nil, asServer())
	tests := map[string]struct {
		pair KeyPair
		ca   []byte
		now  time.Time // issuedAt if zero
		want string    // part of the error, all of it unless it contains a library's error
	}{
		"no certificate": {
			pair: KeyPair{nil, good.Key}, ca: ca,
			want: "tls.crt is missing: put the PEM serving certificate there, followed by the intermediate CAs if there are any",
		},
		"a certificate that is not PEM": {
			pair: KeyPair{[]byte("garbage"), good.Key}, ca: ca,
			want: "tls.crt contains no readable PEM certificate (",
		},
		"a PEM certificate with invalid content": {
			pair: KeyPair{garbage, good.Key}, ca: ca,
			want: "tls.crt contains no readable PEM certificate (",
		},
		"a key in place of the certificate": {
			pair: KeyPair{good.Key, good.Key}, ca: ca,
			want: "tls.crt contains no readable PEM certificate (",
		},
		"no key": {
			pair: KeyPair{good.Certificate, nil}, ca: ca,
			want: "tls.key is missing: put the PEM private key of the certificate in tls.crt there",
		},
		"an invalid key": {
			pair: KeyPair{good.Certificate, []byte("garbage")}, ca: ca,
			want: "tls.key cannot be used with the first certificate in tls.crt (",
		},
		"a certificate in place of the key": {
			pair: KeyPair{good.Certificate, good.Certificate}, ca: ca,
			want: "tls.key cannot be used with the first certificate in tls.crt (",
		},
		"another certificate's key": {
			pair: KeyPair{good.Certificate, root.pair.Key}, ca: ca,
			want: "tls.key cannot be used with the first certificate in tls.crt (the key does not belong to the " +
				"certificate): put the PEM private key of the serving certificate into tls.key, and the serving " +
				"certificate first into tls.crt",
		},
		"a chain in the wrong order": {
			pair: KeyPair{slices.Concat(ca, good.Certificate), good.Key}, ca: ca,
			want: "tls.key cannot be used with the first certificate in tls.crt (the key does not belong to",
		},
		"an expired certificate": {
			pair: issuedByRoot(asServer(expiredAfterAnHour)), ca: ca, now: issuedAt.Add(2 * time.Hour),
			want: "tls.crt expired at 2026-01-01T01:00:00Z: renew it",
		},
		"a certificate that is not valid yet": {
			pair: issuedByRoot(asServer(func(template *x509.Certificate) { template.NotBefore = issuedAt.Add(time.Hour) })),
			ca:   ca,
			want: "tls.crt is not valid before 2026-01-01T01:00:00Z: put a currently valid certificate there",
		},
		"a certificate for other names": {
			pair: issuedByRoot(asServer(forNames("a", "b"))), ca: ca,
			want: "tls.crt is valid for [a b], but kube-apiserver requires wardle.wardle-system.svc: issue the certificate " +
				"for that DNS name",
		},
		"a certificate with a common name only": {
			pair: issuedByRoot(asServer(forNames(), inCommonName)), ca: ca,
			want: "tls.crt is valid for [], but kube-apiserver requires wardle.wardle-system.svc:",
		},
		"no CA": {
			pair: good,
			want: "ca.crt is missing: put the PEM certificate of the CA that issued tls.crt there;",
		},
		"an invalid CA": {
			pair: good, ca: garbage,
			want: "ca.crt contains no readable PEM certificate (",
		},
		"a serving certificate among the CAs": {
			pair: good, ca: slices.Concat(ca, issue(t, root, asServer(func(template *x509.Certificate) {
				template.Subject.CommonName = "server"
			})).pair.Certificate),
			want: `ca.crt contains the certificate "CN=server", which is not a CA (its basic constraints lack CA): ` +
				"keep only CAs in ca.crt, including the one that issued tls.crt",
		},
		"a self-signed certificate": {
			pair: selfSigned.pair, ca: selfSigned.pair.Certificate,
			want: `ca.crt contains the certificate "CN=test", which is not a CA (`,
		},
		"another CA": {
			pair: good, ca: issue(t, nil, asAuthority("other")).pair.Certificate,
			want: `tls.crt, issued by "CN=root", does not chain to a CA in ca.crt (x509: certificate signed by ` +
				"unknown authority): put the CA that issued it into ca.crt, and the intermediate CAs in between into tls.crt",
		},
		"another CA of the same name": {
			pair: good, ca: namesake.pair.Certificate,
			want: `tls.crt, issued by "CN=root", does not chain to a CA in ca.crt (`,
		},
		"a missing intermediate": {
			pair: issue(t, intermediate, asServer()).pair, ca: ca,
			want: `tls.crt, issued by "CN=intermediate", does not chain to a CA in ca.crt (`,
		},
		"an expired CA": {
			pair: issue(t, short, asServer()).pair, ca: short.pair.Certificate, now: issuedAt.Add(2 * time.Hour),
			want: `the CA "CN=short" in the chain of tls.crt is valid only from 2025-12-31T23:55:00Z to 2026-01-01T01:00:00Z: ` +
				"renew it in ca.crt, or in tls.crt if it is an intermediate CA",
		},
		"an expired intermediate": {
			pair: below(t, shortIntermediate), ca: ca, now: issuedAt.Add(2 * time.Hour),
			want: `the CA "CN=short intermediate" in the chain of tls.crt is valid only from`,
		},
		"a certificate for clients": {
			pair: issuedByRoot(asServer(forClients)), ca: ca,
			want: "tls.crt, or a CA in its chain, is not for servers: issue it with the extended key usage server auth",
		},
		"a CA for clients": {
			pair: issue(t, clients, asServer()).pair, ca: clients.pair.Certificate,
			want: "tls.crt, or a CA in its chain, is not for servers:",
		},
		"a CA for other names": {
			pair: issue(t, elsewhere, asServer()).pair, ca: elsewhere.pair.Certificate,
			want: `tls.crt, issued by "CN=elsewhere", does not chain to a CA in ca.crt (x509: a root or`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.now.IsZero() {
				test.now = issuedAt
			}
			_, err := CheckProvided(test.pair, test.ca, providedFor, test.now)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			_, later := CheckProvided(test.pair, test.ca, providedFor, test.now.Add(time.Minute))
			if later == nil || later.Error() != err.Error() {
				t.Errorf("a minute later the text differs:\n%v\n%v", err, later)
			}
		})
	}
}

// below returns a serving certificate of intermediate, with intermediate in its chain.
func below(t *testing.T, intermediate *issued) KeyPair {
	t.Helper()
	leaf := issue(t, intermediate, asServer())
	return KeyPair{slices.Concat(leaf.pair.Certificate, intermediate.pair.Certificate), leaf.pair.Key}
}
