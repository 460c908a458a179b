// SPDX-License-Identifier: Apache-2.0

package check

import (
	"crypto/x509"
	"fmt"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// served reports Pods whose certificate the caBundle does not verify, or that is about to expire. kube-apiserver keeps
// one connection, so requests through it may pass although those to another Pod would fail.
func served(v *view.View) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		read, known := apiService.Served.Get()
		authorities, err := cert.ParseCertsPEM(apiService.Spec.CABundle)
		switch {
		case !known && apiService.Served.Err() == nil, err != nil:
			return finding.Finding{} // what is in the way is reported by verification, ca-bundle and service
		case !known:
			return notChecked(apiService.Served.Err())
		}
		return ofServed(apiService, read, authorities, v.Now)
	})
}

func ofServed(
	apiService view.APIService, read view.Served, authorities []*x509.Certificate, now time.Time,
) finding.Finding {
	host := manifests.ServingHost(backendOf(apiService))
	var unread finding.Finding
	var end time.Time
	for _, pod := range read.Pods {
		chain, known := pod.Chain.Get()
		if !known {
			unread = finding.Finding{Evidence: fmt.Sprintf("Pod %s: %s", pod.Pod, notChecked(pod.Chain.Err()).Evidence)}
			continue
		}
		if err := pki.Verify(chain, authorities, host, now); err != nil {
			return untrusted(apiService, pod.Pod, host, err)
		}
		certificate := rotation.Served{Chain: chain, Until: pki.Expiry(chain, authorities, host, now)}
		if !now.Before(certificate.Warning()) {
			return warning(v1alpha1.ReasonExpiresSoon, fmt.Sprintf("the certificate that Pod %s serves, or a CA above it, "+
				"expires at %s and has not been renewed", pod.Pod, pki.Timestamp(certificate.Until))).
				Affecting("When it has expired, every request fails").
				Advising(renewal(apiService, host))
		}
		if end.IsZero() || certificate.Until.Before(end) {
			end = certificate.Until
		}
	}
	if unread.Evidence != "" {
		return unread
	}
	return ok(fmt.Sprintf("%d of %d Pods, until %s", len(read.Pods), len(read.Pods)+read.Left, pki.Timestamp(end)))
}

// untrusted reports a certificate in the words of a probe of the Pod.
func untrusted(apiService view.APIService, pod, host string, err error) finding.Finding {
	reason, text, _ := discovery.CauseOfCertificate(err)
	return broken(reason, fmt.Sprintf("kube-apiserver does not accept what Pod %s serves: %s", pod, excerpt.Quote(text))).
		Affecting("Every request that kube-apiserver sends to the Pod fails" + andWholeCluster()).
		Advising(renewal(apiService, host))
}

func renewal(apiService view.APIService, host string) string {
	if owner := apiService.Labels[manifests.OwnerLabel]; owner != "" {
		return "See its certificates, and restart a server that does not reload them: " +
			kubectl("extensionapi status %s", owner)
	}
	return fmt.Sprintf("Let the server serve a certificate for %s by a CA in the caBundle, or correct that: %s", host,
		printBundle(apiService))
}
