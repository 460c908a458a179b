// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestARotationIsRequestedForWhatTheOperatorIssues(t *testing.T) {
	for name, test := range map[string]struct {
		spec v1alpha1.ExtensionAPISpec
		ca   bool
		// want is the patch, and refused a part of the error.
		want, refused string
	}{
		"the serving certificate": {
			spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{}},
			want: `{"spec":{"server":{"certificates":{"managed":{"rotateServingAfter":"2026-01-01T12:00:00Z"}}}}}`,
		},
		"the CA": {
			spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{
				Certificates: &v1alpha1.Certificates{Managed: &v1alpha1.ManagedCertificates{}},
			}},
			ca:   true,
			want: `{"spec":{"server":{"certificates":{"managed":{"rotateCAAfter":"2026-01-01T12:00:00Z"}}}}}`,
		},
		"a suspended ExtensionAPI": {
			spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{}, Suspend: true}, refused: "is suspended",
		},
		"an existing Service": {
			spec:    v1alpha1.ExtensionAPISpec{ExistingService: &v1alpha1.ExistingService{}},
			refused: "registers an existing Service",
		},
		"a Secret of the user": {
			spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{
				Certificates: &v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "mine"}},
			}},
			refused: "comes from Secret mine",
		},
		"cert-manager": {
			spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{
				Namespace:    "shop",
				Certificates: &v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{}},
			}},
			refused: "cmctl renew wardle-cert-manager -n shop",
		},
	} {
		t.Run(name, func(t *testing.T) {
			extensionAPI := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "wardle"}, Spec: test.spec}
			patch, err := rotation(extensionAPI, test.ca, noon)
			switch {
			case test.refused == "" && (err != nil || string(patch) != test.want):
				t.Errorf("got %s, %v; want %s", patch, err, test.want)
			case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("got %s, %v; want the error %q", patch, err, test.refused)
			}
		})
	}
}
