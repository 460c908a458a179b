// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func newCA(t *testing.T) []byte {
	t.Helper()
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Certificate
}

func trusting(bundles map[string][]byte) Known[map[string]*apiregistrationv1.APIService] {
	registered := map[string]*apiregistrationv1.APIService{}
	for name, bundle := range bundles {
		registered[name] = &apiregistrationv1.APIService{Spec: apiregistrationv1.APIServiceSpec{CABundle: bundle}}
	}
	return Of(registered, nil)
}

func TestTheServerIsVerifiedWithWhatAPIServicesTrustWhileTheStoredBundleIsLostOrUnreadable(t *testing.T) {
	stored, first, second := newCA(t), newCA(t), newCA(t)
	certificates := Certificates{}
	certificates.Stored.Bundle = stored
	registered := trusting(map[string][]byte{"v1.b": second, "v1.a": first})
	both, damaged := slices.Concat(first, second), trusting(map[string][]byte{"v1.a": []byte("x")})
	lost, unreadable := Of(Certificates{}, nil), Of(Certificates{}, errors.New("forbidden"))
	for name, test := range map[string]struct {
		certificates Known[Certificates]
		registered   Known[map[string]*apiregistrationv1.APIService]
		want         []byte
	}{
		"stored":                                 {Of(certificates, nil), registered, stored},
		"lost":                                   {lost, registered, both},
		"unreadable":                             {unreadable, registered, both},
		"lost, and nothing is registered":        {lost, trusting(nil), nil},
		"lost, and what is registered is no PEM": {lost, damaged, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, service := range []*v1alpha1.ExistingService{nil, {CABundleFrom: &v1alpha1.CABundleSource{}}} {
				extensionAPI := &v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{ExistingService: service}}
				s := &Snapshot{
					ExtensionAPI: extensionAPI, Now: noon, Certificates: test.certificates, Registered: test.registered,
				}
				if got := s.Trust(); !bytes.Equal(got, test.want) || (got == nil) != (test.want == nil) {
					t.Errorf("it is verified with %s\nwant %s", got, test.want)
				}
			}
		})
	}
}

func TestAnExistingServiceIsVerifiedWithTheBundleOfTheSpecAlone(t *testing.T) {
	bundle := newCA(t)
	for name, test := range map[string]struct{ bundle, want []byte }{
		"a bundle":  {bundle, bundle},
		"no bundle": {nil, nil},
		"no PEM":    {[]byte("x"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			extensionAPI := &v1alpha1.ExtensionAPI{}
			extensionAPI.Spec.ExistingService = &v1alpha1.ExistingService{CABundle: test.bundle}
			s := &Snapshot{
				ExtensionAPI: extensionAPI, Now: noon, Registered: trusting(map[string][]byte{"v1.a": newCA(t)}),
			}
			if got := s.Trust(); !bytes.Equal(got, test.want) || (got == nil) != (test.want == nil) {
				t.Errorf("it is verified with %q, want %q", got, test.want)
			}
		})
	}
}
