// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const host = "wardle.wardle-system.svc"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want  = Request{
		Name:         "wardle",
		DNSNames:     []string{host},
		KeyAlgorithm: v1alpha1.KeyECDSA256,
		Validity:     90 * 24 * time.Hour,
		RenewBefore:  30 * 24 * time.Hour,
		CAValidity:   10 * 365 * 24 * time.Hour,
	}
)

// issuedPair returns a signer and a serving certificate issued by it.
func issuedPair(tb testing.TB) (signer, serving KeyPair) {
	tb.Helper()
	signer, _, reason, err := KeepSigner(KeyPair{}, want, start)
	if err != nil || reason == "" {
		tb.Fatalf("from nothing: %q, %v", reason, err)
	}
	serving, err = signer.IssueServing(want.DNSNames, start, want.Validity)
	if err != nil {
		tb.Fatal(err)
	}
	return signer, serving
}

func certificateOf(t *testing.T, pair KeyPair) *x509.Certificate {
	t.Helper()
	certificate, _, err := pair.parse()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestServingCertificateIsAcceptedByKubeAPIServersCheck(t *testing.T) {
	signer, serving := issuedPair(t)
	leaf, authority := certificateOf(t, serving), certificateOf(t, signer)
	if err := Verify([]*x509.Certificate{leaf}, []*x509.Certificate{authority}, host, start); err != nil {
		t.Error(err)
	}
	if !leaf.NotAfter.Equal(start.Add(want.Validity)) {
		t.Errorf("the certificate is valid until %s", leaf.NotAfter)
	}
}

func TestServingCertificateHasTheRequestedKeyAndIsAccepted(t *testing.T) {
	signer, _ := issuedPair(t)
	authority := certificateOf(t, signer)
	for algorithm, usage := range map[v1alpha1.KeyAlgorithm]x509.KeyUsage{
		v1alpha1.KeyECDSA256: x509.KeyUsageDigitalSignature,
		v1alpha1.KeyECDSA384: x509.KeyUsageDigitalSignature,
		v1alpha1.KeyRSA2048:  x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		v1alpha1.KeyRSA4096:  x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			request := want
			request.KeyAlgorithm = algorithm
			serving, err := signer.Issue(request, start)
			if err != nil {
				t.Fatal(err)
			}
			if reason := CheckServing(serving, authority, request, start); reason != "" {
				t.Errorf("it is replaced at once: %s", reason)
			}
			leaf := certificateOf(t, serving)
			if err := Verify([]*x509.Certificate{leaf}, []*x509.Certificate{authority}, host, start); err != nil {
				t.Error(err)
			}
			if leaf.KeyUsage != usage {
				t.Errorf("its key is for %b, want %b", leaf.KeyUsage, usage)
			}
		})
	}
}

func TestSignerIsConstrainedToTheNamesOfItsServer(t *testing.T) {
	signer, _ := issuedPair(t)
	const other = "other.wardle-system.svc"
	stray, err := signer.IssueServing([]string{host, other}, start, want.Validity)
	if err != nil {
		t.Fatal(err)
	}
	authorities := []*x509.Certificate{certificateOf(t, signer)}
	for _, name := range []string{host, other} {
		err := Verify([]*x509.Certificate{certificateOf(t, stray)}, authorities, name, start)
		if err == nil || !strings.Contains(err.Error(), other) {
			t.Errorf("for %s kube-apiserver accepts a certificate that also names %s (%v)", name, other, err)
		}
	}
}

func TestCheckServingReturnsTheReasonForReplacement(t *testing.T) {
	signer, serving := issuedPair(t)
	_, other := issuedPair(t)
	tests := map[string]struct {
		serving KeyPair
		change  func(*Request)
		after   time.Duration
		reason  string
	}{
		"good":                        {serving: serving, after: 55 * 24 * time.Hour},
		"due for renewal":             {serving: serving, after: 60 * 24 * time.Hour, reason: "due for renewal"},
		"expired":                     {serving: serving, after: 100 * 24 * time.Hour, reason: "due for renewal"},
		"deleted":                     {reason: NoServing},
		"from a clock that was ahead": {serving: serving, after: -time.Hour, reason: "not valid yet"},
		"with another key":            {serving: KeyPair{serving.Certificate, other.Key}, reason: "does not belong"},
		"corrupted":                   {serving: KeyPair{[]byte("garbage"), serving.Key}, reason: "unusable"},
		"of another CA":               {serving: other, reason: "not issued by the current"},
		"renewed earlier by spec": {
			serving: serving, after: 31 * 24 * time.Hour, reason: "due for renewal",
			change: func(r *Request) { r.RenewBefore = 60 * 24 * time.Hour },
		},
		"for other names": {
			serving: serving, reason: "other DNS names",
			change: func(r *Request) { r.DNSNames = []string{host, "other.example.com"} },
		},
		"with a key of another algorithm": {
			serving: serving, reason: "another algorithm",
			change: func(r *Request) { r.KeyAlgorithm = v1alpha1.KeyECDSA384 },
		},
		"valid for longer than requested": {
			serving: serving, reason: "longer than requested", change: func(r *Request) { r.Validity = time.Hour },
		},
		"to be rotated": {
			serving: serving, after: time.Hour, reason: "rotateServingAfter",
			change: func(r *Request) { r.RotateServingAfter = start.Add(time.Hour) },
		},
		"to be rotated later": {
			serving: serving, after: time.Hour - time.Second,
			change: func(r *Request) { r.RotateServingAfter = start.Add(time.Hour) },
		},
		"issued after the time of a rotation": {
			serving: serving, after: time.Hour, change: func(r *Request) { r.RotateServingAfter = start },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request := want
			if test.change != nil {
				test.change(&request)
			}
			reason := CheckServing(test.serving, certificateOf(t, signer), request, start.Add(test.after))
			assertReason(t, reason, test.reason)
		})
	}
}

func TestKeepSignerReplaces(t *testing.T) {
	signer, _ := issuedPair(t)
	other, _ := issuedPair(t)
	unconstrained, err := NewSigner("an earlier version", start, want.CAValidity)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		signer KeyPair
		change func(*Request)
		after  time.Duration
		reason string
	}{
		"no valid signer": {signer: signer, after: want.CAValidity / 2},
		"a lost signer":   {reason: "there was no CA"},
		"no unconstrained signer of an earlier version": {
			signer: unconstrained,
		},
		"one for other names": {
			signer: signer, reason: "other DNS names",
			change: func(r *Request) { r.DNSNames = []string{"wardle.elsewhere.svc"} },
		},
		"one with a wrong key":                 {signer: KeyPair{signer.Certificate, other.Key}, reason: "unusable"},
		"one after two thirds of its lifetime": {signer: signer, after: want.CAValidity * 2 / 3, reason: "due for renewal"},
		"one that is about to expire": {
			signer: signer, after: want.CAValidity - 24*time.Hour, reason: "about to expire",
		},
		"one that is valid for longer than requested": {
			signer: signer, reason: "longer than requested", change: func(r *Request) { r.CAValidity /= 2 },
		},
		"one to be rotated": {
			signer: signer, after: time.Hour, reason: "rotateCAAfter",
			change: func(r *Request) { r.RotateCAAfter = start.Add(time.Hour) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, now := want, start.Add(test.after)
			if test.change != nil {
				test.change(&request)
			}
			kept, _, reason, err := KeepSigner(test.signer, request, now)
			if err != nil {
				t.Fatal(err)
			}
			assertReason(t, reason, test.reason)
			if _, _, again, err := KeepSigner(kept, request, now); again != "" || err != nil {
				t.Errorf("the returned signer is not accepted: %s, %v", again, err)
			}
		})
	}
}

func assertReason(t *testing.T, reason, want string) {
	t.Helper()
	if (reason == "") != (want == "") || !strings.Contains(reason, want) {
		t.Errorf("reason = %q, want %q", reason, want)
	}
}

func TestRenewalTimesAreSpreadAndNeverLate(t *testing.T) {
	signer, _ := issuedPair(t)
	times := map[time.Time]bool{}
	for range 20 {
		serving, err := signer.IssueServing(want.DNSNames, start, want.Validity)
		if err != nil {
			t.Fatal(err)
		}
		leaf := certificateOf(t, serving)
		renewal, latest := want.RenewalTime(leaf), leaf.NotAfter.Add(-want.RenewBefore)
		if renewal.After(latest) || renewal.Before(latest.Add(-want.Validity/19)) {
			t.Errorf("renewed at %s, want %s at the latest", renewal, latest)
		}
		times[renewal] = true
	}
	if len(times) < 15 {
		t.Errorf("20 certificates issued together are renewed at %d different times", len(times))
	}
}

func TestNextChangeIsTheEarliest(t *testing.T) {
	signer, serving := issuedPair(t)
	leaf, authority := certificateOf(t, serving), certificateOf(t, signer)
	if got := want.NextChange(leaf, authority, start); !got.Equal(want.RenewalTime(leaf)) {
		t.Errorf("got %s, want the renewal", got)
	}
	rotated := want
	rotated.RotateServingAfter, rotated.RotateCAAfter = start.Add(time.Hour), start.Add(-time.Hour)
	if got := rotated.NextChange(leaf, authority, start); !got.Equal(rotated.RotateServingAfter) {
		t.Errorf("got %s, want the upcoming rotation", got)
	}
}
