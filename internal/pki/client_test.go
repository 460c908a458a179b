// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAClientCertificateIsCheckedWithTheKeyThatIsWrong(t *testing.T) {
	signer, err := NewSigner("storage", issuedAt, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(forClients bool) KeyPair {
		pair, err := signer.Issue(Request{
			DNSNames: []string{"client"}, KeyAlgorithm: v1alpha1.KeyECDSA256, ForClients: forClients, Validity: time.Hour,
		}, issuedAt)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	client, other, server := issue(true), issue(true), issue(false)
	unreadable := KeyPair{[]byte("?"), client.Key}
	for name, test := range map[string]struct {
		pair           KeyPair
		ca             []byte
		needsAuthority bool
		after          time.Duration
		says           string
	}{
		"everything is valid":             {client, signer.Certificate, true, 0, ""},
		"there is nothing":                {KeyPair{}, nil, false, 0, ""},
		"a CA alone":                      {KeyPair{}, signer.Certificate, true, 0, ""},
		"a certificate without a CA":      {client, nil, true, 0, "ca.crt is missing"},
		"a CA that is none":               {client, []byte("?"), true, 0, "ca.crt: "},
		"a certificate that is none":      {unreadable, nil, false, 0, "tls.crt contains no readable PEM"},
		"the key of another certificate":  {KeyPair{client.Certificate, other.Key}, nil, false, 0, "tls.key cannot be used"},
		"a certificate without a key":     {KeyPair{client.Certificate, nil}, nil, false, 0, "tls.key is missing"},
		"a key without a certificate":     {KeyPair{nil, client.Key}, nil, false, 0, "tls.crt is missing"},
		"a certificate that has expired":  {client, nil, false, 2 * time.Hour, "tls.crt"},
		"a certificate that begins later": {client, nil, false, -2 * time.Hour, "tls.crt is not valid before"},
		"a certificate for servers alone": {server, nil, false, 0, "extended key usage client auth"},
		"a CA that is too large":          {client, make([]byte, maxBundleBytes+1), false, 0, "ca.crt is larger than"},
	} {
		err := CheckClient(test.pair, test.ca, test.needsAuthority, issuedAt.Add(test.after))
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: the error is %v, want %q", name, err, test.says)
		}
	}
}
