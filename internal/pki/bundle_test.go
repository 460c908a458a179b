// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCovers(t *testing.T) {
	first, _ := issuedPair(t)
	second, _ := issuedPair(t)
	a, b := first.Certificate, second.Certificate
	both := slices.Concat(a, b)
	tests := map[string]struct {
		bundle, other []byte
		want          bool
	}{
		"the same":   {a, a, true},
		"more":       {both, b, true},
		"less":       {a, both, false},
		"another":    {a, b, false},
		"of garbage": {a, []byte("garbage"), false},
		"garbage":    {[]byte("garbage"), a, false},
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

func TestParseBundleRejects(t *testing.T) {
	signer, serving := issuedPair(t)
	tests := map[string]struct {
		bundle []byte
		now    time.Time
	}{
		"nothing":               {nil, start},
		"invalid PEM":           {[]byte("-----BEGIN CERTIFICATE-----\ngarbage"), start},
		"a serving certificate": {serving.Certificate, start},
		"only expired CAs":      {signer.Certificate, start.Add(want.CAValidity + time.Hour)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseBundle(test.bundle, test.now); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := ParseBundle(signer.Certificate, start); err != nil {
		t.Errorf("rejected a valid bundle: %v", err)
	}
}

func TestExtendKeepsValidAuthorities(t *testing.T) {
	old, _ := issuedPair(t)
	authority := certificateOf(t, old)
	other, _ := issuedPair(t)
	current := []*x509.Certificate{certificateOf(t, other)}
	if got := Extend(current, slices.Concat(old.Certificate, other.Certificate), start); len(got) != 2 {
		t.Errorf("got %d CAs, want the current and the old one", len(got))
	}
	if got := Extend(current, old.Certificate, authority.NotAfter); len(got) != 1 {
		t.Errorf("got %d CAs after the old one expired", len(got))
	}
	if got := Extend(current, []byte("garbage"), start); len(got) != 1 {
		t.Errorf("got %d CAs from garbage", len(got))
	}
}

func TestParseSourceRejects(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	expired, err := NewSigner("expired", now.Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		bundle []byte
		want   string
	}{
		"nothing":             {nil, "contains no PEM certificates"},
		"an expired CA":       {expired.Certificate, "contains no CA that is valid now"},
		"all CAs of a system": {bytes.Repeat(expired.Certificate, 1000), "larger than 256 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseSource(test.bundle, now); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestCertificatesAreTakenFromABundle(t *testing.T) {
	first, _ := issuedPair(t)
	second, _ := issuedPair(t)
	a, b := first.Certificate, second.Certificate
	for name, test := range map[string]struct{ bundle, other, want []byte }{
		"one of two":   {slices.Concat(a, []byte("\n"), b), b, a},
		"none of them": {a, b, a},
		"all":          {a, a, nil},
		"of garbage":   {[]byte("garbage"), a, []byte("garbage")},
		"nothing":      {a, nil, a},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Without(test.bundle, test.other); !bytes.Equal(got, test.want) {
				t.Errorf("left is %q, want %q", got, test.want)
			}
		})
	}
}
