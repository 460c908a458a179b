// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"slices"
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
