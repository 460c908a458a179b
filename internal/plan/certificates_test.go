// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestHandshakesAreMadeOnlyWhileARotationDependsOnThem(t *testing.T) {
	running := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a"}, Spec: corev1.PodSpec{NodeName: "node"}}
	pending := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "b", UID: "b"}}
	// Requests are verified, so that a new certificate could lose some.
	s := snapshottest.New()
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Pods = []corev1.Pod{running, pending} })
	c := nextOf(t, s).Certificates
	if len(c.Handshakes) != 1 || c.Handshakes[0].Name != "a" || c.Rotation != nil {
		t.Errorf("handshakes are made with %v, and the rotation is %+v", c.Handshakes, c.Rotation)
	}

	s.Handshakes = snapshot.Handshakes{Ended: noon, ByPeer: map[string]rotation.Pod{"a": {Name: "a"}}}
	c = nextOf(t, s).Certificates
	if len(c.Handshakes) != 1 || c.Rotation == nil {
		t.Errorf("once they are made, handshakes are made with %v, and the rotation is %+v", c.Handshakes, c.Rotation)
	}
}

func TestCertificatesOfAnotherOwnerWaitForTheirSecret(t *testing.T) {
	for name, test := range map[string]struct {
		certificates v1alpha1.Certificates
		read         snapshot.Certificates
		reason       string
		message      string
		watched      *manifests.Source
		ofManager    bool
	}{
		"a Secret that is missing": {
			v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "provided"}},
			snapshot.Certificates{},
			v1alpha1.ReasonSecretNotFound, "Secret wardle-system/provided does not exist",
			new(manifests.SecretSource("wardle-system", "provided")), false,
		},
		"a Secret that cannot be used": {
			v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "provided"}},
			snapshot.Certificates{Provided: &corev1.Secret{}},
			v1alpha1.ReasonInvalidCertificate, "Secret wardle-system/provided is rejected",
			new(manifests.SecretSource("wardle-system", "provided")), false,
		},
		"cert-manager is working on it": {
			v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{}},
			snapshot.Certificates{Pending: "waiting for cert-manager"},
			v1alpha1.ReasonSecretNotFound, "waiting for cert-manager", nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Server.Certificates = &test.certificates
			s.Certificates = snapshot.Of(test.read, nil)
			c := nextOf(t, s).Certificates
			findingtest.Expect(t, c.Problem, "False", test.reason, test.message)
			if !reflect.DeepEqual(c.Watched, test.watched) || c.OfCertManager != test.ofManager || c.Rotation != nil {
				t.Errorf("planned is %+v", c)
			}
		})
	}
}
