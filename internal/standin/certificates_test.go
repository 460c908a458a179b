// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestANewBundleIsUsedBeforeThereIsACertificateForIt(t *testing.T) {
	wakes := 0
	certificates := NewCertificates(nil, nil, "extensionapi-system", func(context.Context) { wakes++ })
	if _, err := certificates.Current(nil); err == nil || certificates.Bundle() != nil {
		t.Error("there is a certificate before any was read")
	}
	first := planned(t, noon, nil)
	certificates.store(t.Context(), &corev1.Secret{Data: first})
	served, err := certificates.Current(nil)
	if err != nil || wakes != 1 {
		t.Fatalf("there is no certificate (%v), or %d wakes", err, wakes)
	}
	lost := planned(t, noon, nil, first[manifests.CABundleKey]) // the Secret was deleted while it served
	certificates.store(t.Context(), &corev1.Secret{Data: lost})
	again, err := certificates.Current(nil)
	if err != nil || !bytes.Equal(again.Certificate[0], served.Certificate[0]) {
		t.Errorf("the certificate of before is not served any more (%v)", err)
	}
	if !bytes.Equal(certificates.Bundle(), lost[manifests.CABundleKey]) || wakes != 2 {
		t.Errorf("APIServices do not get the new bundle: %d wakes", wakes)
	}
}
