// SPDX-License-Identifier: Apache-2.0

package check

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// verification reports servers that kube-apiserver does not verify, or does not trust.
func verification(v *view.View) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		if apiService.Spec.InsecureSkipTLSVerify {
			return warning("", "insecureSkipTLSVerify is true, so kube-apiserver does not verify the server's certificate").
				Affecting("Whoever can redirect its traffic reads and answers the requests of every user").
				Advising(fmt.Sprintf("Set spec.caBundle to the CA of a certificate for %s, and insecureSkipTLSVerify to false",
					manifests.ServingHost(backendOf(apiService))))
		}
		sample, known := apiService.Discovery.Get()
		switch {
		case !snapshot.IsAvailable(apiService.APIService):
			return finding.Finding{} // reported by available
		case !known:
			return notChecked(apiService.Discovery.Err())
		case !isUntrusted(sample):
			return ok("")
		}
		return broken(v1alpha1.ReasonCertificateUntrusted, excerpt.Quote(sample.Err.Error())).
			Affecting("Every request to the API fails" + andWholeCluster()).
			Advising("Compare the caBundle with the certificate that the server serves for " +
				manifests.ServingHost(backendOf(apiService)) + ": " + printBundle(apiService))
	})
}

// printBundle is the command that prints the caBundle of an APIService.
func printBundle(apiService view.APIService) string {
	return kubectl("get apiservice %s -o jsonpath='{.spec.caBundle}' | base64 -d", apiService.Name)
}

func backendOf(apiService view.APIService) manifests.Backend {
	return manifests.Backend{
		Namespace: apiService.Backend.Namespace, Name: apiService.Backend.Name, Port: apiService.Port(),
	}
}

// isUntrusted reports whether kube-apiserver refuses the server's certificate.
func isUntrusted(sample discovery.Sample) bool {
	if sample.Err == nil {
		return false
	}
	reason, _ := discovery.CauseThrough(sample)
	return reason == v1alpha1.ReasonCertificateUntrusted
}

// soon is how long before the end of a CA bundle is warned.
const soon = 30 * 24 * time.Hour

// caBundle reports bundles that kube-apiserver cannot use, or soon cannot.
func caBundle(v *view.View) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		bundle := apiService.Spec.CABundle
		if len(bundle) == 0 {
			return finding.Finding{} // the CAs of kube-apiserver's host count
		}
		certificates, err := cert.ParseCertsPEM(bundle)
		if err != nil {
			return broken(v1alpha1.ReasonInvalidCABundle, "the caBundle cannot be parsed: "+excerpt.Quote(err.Error())).
				Affecting(wholeCluster).
				Advising("Correct spec.caBundle: " + kubectl("edit apiservice %s", apiService.Name))
		}
		return expiring(apiService, latest(certificates), v.Now)
	})
}

func latest(certificates []*x509.Certificate) time.Time {
	byExpiry := func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }
	return slices.MaxFunc(certificates, byExpiry).NotAfter
}

func expiring(apiService view.APIService, end, now time.Time) finding.Finding {
	renew := "Replace the CA: " + replaceCA(apiService)
	switch until := pki.Timestamp(end); {
	case !now.Before(end):
		return broken(v1alpha1.ReasonCertificateExpired, "every certificate of the caBundle has expired, the last one on "+
			until).Affecting("Every request to the API fails" + andWholeCluster()).Advising(renew)
	case end.Sub(now) < soon:
		return warning(v1alpha1.ReasonExpiresSoon, "the last certificate of the caBundle expires on "+until).
			Affecting("Every request to the API will fail then").Advising(renew)
	default:
		return ok("until " + until)
	}
}

// replaceCA is the command that replaces the CA of an APIService.
func replaceCA(apiService view.APIService) string {
	if owner := apiService.Labels[manifests.OwnerLabel]; owner != "" {
		return kubectl("extensionapi rotate %s --ca", owner)
	}
	return "add the new one to the caBundle beside the old one, then change the certificate of the server: " +
		kubectl("edit apiservice %s", apiService.Name)
}
