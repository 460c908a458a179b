// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestCertManagerIssuesForTheKeyOfTheSpec(t *testing.T) {
	for algorithm, want := range map[v1alpha1.KeyAlgorithm]string{
		"":                   `"privateKey":{"algorithm":"ECDSA","rotationPolicy":"Always","size":256}`,
		v1alpha1.KeyECDSA384: `"privateKey":{"algorithm":"ECDSA","rotationPolicy":"Always","size":384}`,
		v1alpha1.KeyRSA4096:  `"privateKey":{"algorithm":"RSA","rotationPolicy":"Always","size":4096}`,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			extensionAPI := read(t, "cert-manager.yaml")
			extensionAPI.Spec.Server.Certificates.CertManager.KeyAlgorithm = algorithm
			encoded, err := json.Marshal(Certificate(extensionAPI, nil))
			if err != nil {
				t.Fatal(err)
			}
			encrypts := strings.Contains(string(encoded), "key encipherment")
			if !strings.Contains(string(encoded), want) || encrypts != (algorithm == v1alpha1.KeyRSA4096) {
				t.Errorf("the Certificate is %s", encoded)
			}
		})
	}
}

func TestServingNamesBeginWithThatOfTheServiceInAnyOrderOfTheSpec(t *testing.T) {
	for _, further := range [][]string{{"b.example.com", "a.example.com"}, {"a.example.com", "b.example.com"}} {
		extensionAPI := read(t, "cert-manager.yaml")
		host := ServingHost(BackendOf(extensionAPI))
		extensionAPI.Spec.Server.Certificates.CertManager.DNSNames = append([]string{host}, further...)
		got := strings.Join(ServingNames(extensionAPI), " ")
		if want := host + " " + host + ".cluster.local a.example.com b.example.com"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
