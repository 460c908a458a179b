// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"crypto/tls"
	"maps"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func issuerAt(now time.Time) *Issuer {
	return &Issuer{
		Clock: clocktesting.NewFakeClock(now), Service: manifests.StandInService("extensionapi-system", 443),
	}
}

// planned returns the data of the wanted Secret, while a replica serves the stored certificate.
func planned(t *testing.T, at time.Time, data map[string][]byte, bundles ...[]byte) map[string][]byte {
	t.Helper()
	serving := func() []rotation.Pod {
		chain, err := cert.ParseCertsPEM(data["tls.crt"])
		return []rotation.Pod{{Name: "operator", Chain: chain, Err: err}}
	}
	secret, _, err := issuerAt(at).plan(storedIn(data), bundles, serving)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Data
}

func TestTheCertificateIsForTheServiceAndVerifiedByTheBundle(t *testing.T) {
	data := planned(t, noon, nil)
	pair := pki.KeyPairOf(data)
	served, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	authorities, err := pki.ParseBundle(data[manifests.CABundleKey], noon)
	if err != nil {
		t.Fatal(err)
	}
	chain := rotation.ServedFrom(rotation.State{Serving: pair, Bundle: data[manifests.CABundleKey]},
		"extensionapi-operator-stand-in.extensionapi-system.svc", noon)
	if len(served.Certificate) == 0 || len(authorities) != 1 || chain.Until.IsZero() {
		t.Errorf("served are %d certificates, trusted until %s", len(served.Certificate), chain.Until)
	}
}

func TestACertificateIsKeptUntilItIsDue(t *testing.T) {
	first := planned(t, noon, nil)
	for name, test := range map[string]struct {
		at   time.Time
		data map[string][]byte
		kept bool
	}{
		"a minute later":              {noon.Add(time.Minute), first, true},
		"when two thirds have passed": {noon.Add(61 * 24 * time.Hour), first, false},
		"when it is damaged":          {noon, damaged(first), false},
	} {
		t.Run(name, func(t *testing.T) {
			again := planned(t, test.at, test.data)
			if kept := bytes.Equal(again["tls.crt"], first["tls.crt"]); kept != test.kept {
				t.Errorf("it is kept: %t", kept)
			}
			settled := planned(t, test.at, planned(t, test.at, again))
			if after := planned(t, test.at, settled); !maps.EqualFunc(settled, after, bytes.Equal) {
				t.Error("it is changed at each look")
			}
		})
	}
}

func damaged(data map[string][]byte) map[string][]byte {
	without := maps.Clone(data)
	without["tls.crt"] = []byte("garbage")
	return without
}

func TestANewCAIsTrustedBeforeItsCertificateIsServed(t *testing.T) {
	first := planned(t, noon, nil)
	lost := maps.Clone(first)
	delete(lost, "ca-signer.crt")
	delete(lost, "ca-signer.key")
	announcing := planned(t, noon, lost, first[manifests.CABundleKey])
	if !bytes.Equal(announcing["tls.crt"], first["tls.crt"]) ||
		!pki.Covers(announcing[manifests.CABundleKey], first[manifests.CABundleKey]) ||
		pki.Covers(first[manifests.CABundleKey], announcing[manifests.CABundleKey]) {
		t.Error("APIServices that lead to the stand-in do not get both CAs before the certificate changes")
	}
	trusted := planned(t, noon, announcing, announcing[manifests.CABundleKey])
	later := planned(t, noon.Add(time.Hour), trusted, announcing[manifests.CABundleKey])
	if bytes.Equal(later["tls.crt"], first["tls.crt"]) {
		t.Error("the certificate of the new CA is never served")
	}
}
