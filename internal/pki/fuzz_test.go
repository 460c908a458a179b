// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/test/memory"
)

// FuzzBundle parses bundles as users may write them, and as a server's Secret may contain them.
func FuzzBundle(f *testing.F) {
	signer, serving := issuedPair(f)
	authority := string(signer.Certificate)
	f.Add(authority, uint(1))
	f.Add(authority+string(serving.Certificate)+string(serving.Key), uint(2))
	f.Add("# a comment\n"+authority[:len(authority)/2], uint(1))
	f.Add("-----BEGIN CERTIFICATE-----\n", uint(10_000))
	f.Add("-----BEGIN CERTIFICATE-----\nHeader: x\n\nAAAA\n-----END CERTIFICATE-----\n", uint(1000))
	f.Fuzz(func(t *testing.T, repeated string, times uint) {
		const most, growth, overhead = 16 << 10, 100, 1 << 20 // larger inputs take the fuzzer too long
		times = min(times, most/uint(max(1, len(repeated))))
		bundle := []byte(strings.Repeat(repeated, int(times)))
		limit := uint64(growth*len(bundle) + overhead)
		if memory.Least(limit, func() { _, _ = ParseBundle(bundle, start) }) > limit {
			t.Errorf("reading %d bytes takes more than %d bytes of memory", len(bundle), limit)
		}
		checkBundle(t, bundle)
		_, _ = CheckProvided(KeyPair{Certificate: bundle, Key: bundle}, bundle, want.DNSNames[0], start)
	})
}

// checkBundle checks that an accepted bundle is unchanged when it is encoded again.
func checkBundle(t *testing.T, bundle []byte) {
	t.Helper()
	parsed, err := ParseBundle(bundle, start)
	if err != nil {
		return
	}
	if !Covers(bundle, bundle) {
		t.Error("the bundle does not cover itself")
	}
	usable := Extend(nil, bundle, start)
	if len(usable) == 0 || !ContainsAll(parsed, usable) {
		t.Errorf("of %d certificates %d are used", len(parsed), len(usable))
	}
	encoded, err := cert.EncodeCertificates(usable...)
	if err != nil {
		t.Fatal(err)
	}
	if again := Extend(nil, encoded, start); len(again) != len(usable) || !bytes.Equal(again[0].Raw, usable[0].Raw) {
		t.Errorf("of %d certificates %d are left after encoding", len(usable), len(again))
	}
}
