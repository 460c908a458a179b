// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"
)

const host = "wardle.wardle-system.svc"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want  = Request{Name: "wardle", DNSNames: []string{host}, Validity: 90 * 24 * time.Hour}
)

func plan(t *testing.T, stored Material, request Request, now time.Time) Result {
	t.Helper()
	result, err := Plan(stored, request, now)
	if err != nil {
		t.Fatal(err)
	}
	assertServes(t, result.Serving, result.Bundle, now)
	return result
}

// assertServes checks what kube-apiserver checks: the chain to the bundle, the name and the time.
func assertServes(t *testing.T, serving KeyPair, bundle []byte, now time.Time) {
	t.Helper()
	leaf, _, err := serving.parse()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now}); err != nil {
		t.Errorf("the bundle does not cover the serving certificate: %v", err)
	}
}

func TestPlanFromNothingIssuesBothCertificates(t *testing.T) {
	result := plan(t, Material{}, want, start)
	if !strings.Contains(result.Issued, "no certificate authority") || !strings.Contains(result.Issued, "no serving") {
		t.Errorf("Issued = %q", result.Issued)
	}
	if got := result.NotAfter; !got.Equal(start.Add(want.Validity)) {
		t.Errorf("NotAfter = %s", got)
	}
	if !result.RenewalTime.Before(result.NotAfter) || !result.RenewalTime.After(start) {
		t.Errorf("RenewalTime = %s is not within the validity", result.RenewalTime)
	}
}

func TestPlanKeepsWhatIsGood(t *testing.T) {
	first := plan(t, Material{}, want, start)
	second := plan(t, first.Material, want, first.RenewalTime.Add(-time.Second))
	if second.Issued != "" {
		t.Errorf("issued anew: %s", second.Issued)
	}
}

func TestPlanReplaces(t *testing.T) {
	first := plan(t, Material{}, want, start).Material
	other := plan(t, Material{}, want, start).Material
	tests := map[string]struct {
		change      func(*Material, *Request)
		now         time.Time
		issued      string
		keepsSigner bool
	}{
		"a serving certificate that is due for renewal": {
			now: start.Add(61 * 24 * time.Hour), issued: "due for renewal", keepsSigner: true,
		},
		"an expired serving certificate": {
			now: start.Add(100 * 24 * time.Hour), issued: "due for renewal", keepsSigner: true,
		},
		"a serving certificate that was deleted": {
			change: func(m *Material, _ *Request) { m.Serving = KeyPair{} }, issued: "no serving", keepsSigner: true,
		},
		"a serving certificate with somebody else's key": {
			change: func(m *Material, _ *Request) { m.Serving.Key = other.Serving.Key },
			issued: "does not belong", keepsSigner: true,
		},
		"a serving certificate edited into rubbish": {
			change: func(m *Material, _ *Request) { m.Serving.Certificate = []byte("rubbish") },
			issued: "unusable", keepsSigner: true,
		},
		"a serving certificate of another authority": {
			change: func(m *Material, _ *Request) { m.Serving = other.Serving },
			issued: "not issued by the current", keepsSigner: true,
		},
		"a serving certificate for another name": {
			change: func(_ *Material, r *Request) { r.DNSNames = []string{host, "other.example.com"} },
			issued: "other DNS names", keepsSigner: true,
		},
		"a serving certificate valid for longer than wanted": {
			change: func(_ *Material, r *Request) { r.Validity = time.Hour },
			issued: "longer than wanted", keepsSigner: true,
		},
		"a lost authority": {
			change: func(m *Material, _ *Request) { m.Signer = KeyPair{} }, issued: "no certificate authority",
		},
		"an authority with a wrong key": {
			change: func(m *Material, _ *Request) { m.Signer.Key = other.Signer.Key }, issued: "unusable",
		},
		"an authority that is about to expire": {now: start.Add(signerValidity - 24*time.Hour), issued: "about to expire"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stored, request, now := first, want, start.Add(time.Minute)
			if test.change != nil {
				test.change(&stored, &request)
			}
			if !test.now.IsZero() {
				now = test.now
			}
			result := plan(t, stored, request, now)
			if !strings.Contains(result.Issued, test.issued) {
				t.Errorf("Issued = %q, want it to contain %q", result.Issued, test.issued)
			}
			if kept := string(result.Signer.Certificate) == string(first.Signer.Certificate); kept != test.keepsSigner {
				t.Errorf("signer kept = %v, want %v", kept, test.keepsSigner)
			}
			if again := plan(t, result.Material, request, now); again.Issued != "" {
				t.Error("a second plan at the same moment changes something again")
			}
		})
	}
}

func TestReplacedAuthorityStaysTrustedWhilePodsServeItsCertificate(t *testing.T) {
	first := plan(t, Material{}, want, start)
	lost := first.Material
	lost.Signer = KeyPair{}
	now := start.Add(time.Hour)
	second := plan(t, lost, want, now)
	assertServes(t, first.Serving, second.Bundle, now)
	assertBundleSize(t, second.Bundle, 2)

	afterExpiry := first.NotAfter.Add(signerValidity)
	third := plan(t, second.Material, want, afterExpiry)
	assertBundleSize(t, third.Bundle, 1)
}

func TestCovers(t *testing.T) {
	a, b := plan(t, Material{}, want, start).Bundle, plan(t, Material{}, want, start).Bundle
	both := slices.Concat(a, b)
	tests := map[string]struct {
		bundle, other []byte
		want          bool
	}{
		"the same":   {a, a, true},
		"more":       {both, b, true},
		"less":       {a, both, false},
		"another":    {a, b, false},
		"of rubbish": {a, []byte("rubbish"), false},
		"rubbish":    {[]byte("rubbish"), a, false},
		"of nothing": {a, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Covers(test.bundle, test.other); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func assertBundleSize(t *testing.T, bundle []byte, size int) {
	t.Helper()
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil || len(certificates) != size {
		t.Errorf("the bundle holds %d certificates (%v), want %d", len(certificates), err, size)
	}
}

func TestParseBundleRefuses(t *testing.T) {
	good := plan(t, Material{}, want, start)
	tests := map[string]struct {
		bundle []byte
		now    time.Time
	}{
		"nothing":                  {nil, start},
		"what is no PEM":           {[]byte("-----BEGIN CERTIFICATE-----\nrubbish"), start},
		"a serving certificate":    {good.Serving.Certificate, start},
		"only expired authorities": {good.Bundle, start.Add(signerValidity + time.Hour)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseBundle(test.bundle, test.now); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := ParseBundle(good.Bundle, start); err != nil {
		t.Errorf("refused a good bundle: %v", err)
	}
}
