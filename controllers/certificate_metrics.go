// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const labelExtensionAPI = "extensionapi"

// CertificateMetrics are the times that alerts are made of.
type CertificateMetrics struct {
	expiry, renewal *prometheus.GaugeVec
}

// NewCertificateMetrics returns metrics registered with registerer.
func NewCertificateMetrics(registerer prometheus.Registerer) *CertificateMetrics {
	metrics := &CertificateMetrics{
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_expiration_timestamp_seconds",
			Help: "When a certificate expires, in seconds since the epoch: the serving certificate, or the authority (ca) " +
				"that issued it.",
		}, []string{labelExtensionAPI, "certificate"}),
		renewal: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_renewal_timestamp_seconds",
			Help: "When the operator will renew the serving certificate, in seconds since the epoch.",
		}, []string{labelExtensionAPI}),
	}
	registerer.MustRegister(metrics.expiry, metrics.renewal)
	return metrics
}

func (m *CertificateMetrics) observe(name string, told *v1alpha1.CertificateStatus) {
	set(m.expiry, &told.NotAfter, name, "serving")
	set(m.expiry, told.CANotAfter, name, "ca")
	set(m.renewal, told.RenewalTime, name)
}

func (m *CertificateMetrics) forget(name string) {
	labels := prometheus.Labels{labelExtensionAPI: name}
	m.expiry.DeletePartialMatch(labels)
	m.renewal.DeletePartialMatch(labels)
}

func set(gauge *prometheus.GaugeVec, moment *metav1.Time, labels ...string) {
	if moment == nil {
		gauge.DeleteLabelValues(labels...)
		return
	}
	gauge.WithLabelValues(labels...).Set(float64(moment.Unix()))
}
