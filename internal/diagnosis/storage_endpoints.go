// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

func isReady(pod corev1.Pod) bool { return workload.IsReady(&pod) }

// StorageEndpoints are the endpoints of the storage as they answered the last look, and since when.
func StorageEndpoints(s *snapshot.Snapshot) (endpoints []v1alpha1.StorageEndpointStatus) {
	look := s.Storage.Value().Look
	for _, address := range slices.Sorted(maps.Keys(look.Endpoints)) {
		endpoints = append(endpoints, endpointStatus(s, address, look.Endpoints[address]))
	}
	return endpoints
}

func endpointStatus(s *snapshot.Snapshot, address string, answer storage.Answer) v1alpha1.StorageEndpointStatus {
	status := v1alpha1.StorageEndpointStatus{
		Address: address, Available: metav1.ConditionTrue, Since: metav1.NewTime(s.Now),
	}
	if answer.Err != nil {
		status.Available, status.Error = metav1.ConditionFalse, excerpt.Quote(cmp.Or(answer.Err.Error(), "it fails"))
	} else if answer.Alarm != "" {
		status.Available, status.Error = metav1.ConditionFalse, answer.Alarm
	}
	if len(answer.Chain) > 0 {
		status.CertificateNotAfter = new(metav1.NewTime(answer.Chain[0].NotAfter))
	}
	if s.Status.Storage == nil {
		return status
	}
	for _, earlier := range s.Status.Storage.Endpoints {
		if earlier.Address == address && earlier.Available == status.Available {
			status.Since = earlier.Since
		}
	}
	return status
}

// StorageCertificate is the client certificate that the server has for its storage, with when it begins; zero where
// there is none.
func StorageCertificate(s *snapshot.Snapshot) (notBefore, notAfter time.Time) {
	chain, err := cert.ParseCertsPEM(s.Storage.Value().Stored[corev1.TLSCertKey])
	if err != nil {
		return notBefore, notAfter
	}
	return chain[0].NotBefore, chain[0].NotAfter
}

// expiring is found of certificates that are about to expire, where replicas reach their storage.
func expiring(
	s *snapshot.Snapshot, read snapshot.Storage, endpoints []v1alpha1.StorageEndpointStatus,
) finding.Finding {
	if begin, end := StorageCertificate(s); !end.IsZero() && !s.Now.Before(warning(begin, end)) {
		return expiresSoon("the client certificate of the server, in Secret "+
			cmp.Or(manifests.ProvidedStorageName(s.ExtensionAPI), manifests.StorageSecretName(s.Name)), end)
	}
	for _, endpoint := range endpoints {
		answer := read.Look.Endpoints[endpoint.Address]
		if len(answer.Chain) == 0 {
			continue
		}
		if leaf := answer.Chain[0]; !s.Now.Before(warning(leaf.NotBefore, leaf.NotAfter)) {
			return expiresSoon("the certificate that "+endpoint.Address+" serves", leaf.NotAfter)
		}
	}
	return finding.Good(v1alpha1.ReasonStorageReached, "every replica reaches its storage")
}

func expiresSoon(what string, end time.Time) finding.Finding {
	return finding.True(v1alpha1.ReasonExpiresSoon, fmt.Sprintf("%s, expires at %s and has not been renewed", what,
		pki.Timestamp(end)), finding.Settled).Alarming().
		Affecting("When it has expired, new connections to the storage fail").Advising("Renew it")
}

// stuckStorage is what a phase of the rotation of a standalone etcd's certificates waits for when it does not complete,
// and what a user can do.
var stuckStorage = map[rotation.Phase]struct{ waiting, remedy string }{
	v1alpha1.RotationPublishingTrust: {
		"Pods of the server or of its etcd to be replaced, which have not read the new CA", "See ServerAvailable",
	},
	v1alpha1.RotationAwaitingServed: {
		"the etcd to serve its new certificate", "Restart it: delete its Pod, before the certificate that it serves expires",
	},
	v1alpha1.RotationDroppingTrust: {
		"Pods of the server or of its etcd to be replaced, which still trust the old CA", "See ServerAvailable",
	},
}

// WithStorageRotation is what is found of the storage, or of a rotation of its certificates that does not complete,
// where all is well otherwise.
func WithStorageRotation(found finding.Finding, plan *rotation.Plan) finding.Finding {
	if plan == nil || !plan.Stuck || found.Code != v1alpha1.ReasonStorageReached {
		return found
	}
	stuck := stuckStorage[plan.Record.Phase]
	return finding.True(v1alpha1.ReasonRotationStuck, fmt.Sprintf(
		"the rotation of the certificates of the etcd waits since %s for %s", pki.Timestamp(plan.Record.Since),
		cmp.Or(stuck.waiting, plan.Waiting)), finding.Stalled).Alarming().Advising(stuck.remedy)
}

const maxStorageWarning = 30 * 24 * time.Hour

// warning is when a certificate should have been renewed: a fifth of its life before its end, 30 days at most.
func warning(begin, end time.Time) time.Time {
	return end.Add(-min(end.Sub(begin)/5, maxStorageWarning))
}
