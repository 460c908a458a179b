// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// rotated is the time limit for a rotation: kube-apiserver gets two minutes, the kubelet takes one and a half.
	rotated = 6 * time.Minute
	// killAgain is the interval between kills of the operator during a phase.
	killAgain = 20 * time.Second
)

var rotations = []struct {
	name    string
	trigger func(*v1alpha1.ManagedCertificates, *metav1.Time)
	newCA   bool
	killed  bool
	long    bool // skipped by -short
}{
	{
		name:    "rotation of the CA",
		trigger: func(m *v1alpha1.ManagedCertificates, now *metav1.Time) { m.RotateCAAfter = now },
		newCA:   true,
		long:    true,
	},
	{
		name: "rotation of both at once",
		trigger: func(m *v1alpha1.ManagedCertificates, now *metav1.Time) {
			m.RotateServingAfter, m.RotateCAAfter = now, now
		},
		newCA: true,
		long:  true,
	},
	// After another one, because a new CA would have to be trusted everywhere first.
	{
		name:    "rotation of the serving certificate",
		trigger: func(m *v1alpha1.ManagedCertificates, now *metav1.Time) { m.RotateServingAfter = now },
	},
	{
		name:    "rotation of the CA, with the operator killed at every step",
		trigger: func(m *v1alpha1.ManagedCertificates, now *metav1.Time) { m.RotateCAAfter = now },
		newCA:   true,
		killed:  true,
	},
}

func TestRotationsLoseNoRequest(t *testing.T) {
	extensionAPI := drainingWardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, settled(extensionAPI))
	for _, rotation := range rotations {
		t.Run(rotation.name, func(t *testing.T) {
			if rotation.long {
				onlyLong(t)
			}
			before := look(t)
			defer lossless(t)()
			now := metav1.Now()
			change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { rotation.trigger(managed(spec), &now) })
			phases := follow(t, extensionAPI, rotation.killed)
			after := look(t)
			if !slices.Contains(phases, v1alpha1.RotationAwaitingServed) ||
				rotation.newCA && !slices.Contains(phases, v1alpha1.RotationAwaitingTrust) {
				t.Errorf("the rotation went through the phases %q", phases)
			}
			if after.leaf.Equal(before.leaf) {
				t.Error("the serving certificate is still the old one")
			}
			if after.ca.Equal(before.ca) == rotation.newCA {
				t.Errorf("the CA was replaced: %t, want %t", !rotation.newCA, rotation.newCA)
			}
			if !maps.Equal(before.restarts, after.restarts) {
				t.Errorf("Pods were restarted or replaced: restarts before %v, after %v", before.restarts, after.restarts)
			}
			mustNotContainKey(t, before.ca, after.ca)
		})
	}
}

func managed(spec *v1alpha1.ExtensionAPISpec) *v1alpha1.ManagedCertificates {
	if spec.Server.Certificates == nil {
		spec.Server.Certificates = &v1alpha1.Certificates{}
	}
	if spec.Server.Certificates.Managed == nil {
		spec.Server.Certificates.Managed = &v1alpha1.ManagedCertificates{}
	}
	return spec.Server.Certificates.Managed
}

// follow watches a rotation until it finishes, and returns the observed phases. If killed is set, it kills all replicas
// of the operator at every new phase, and repeatedly during a phase.
func follow(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, killed bool) (phases []v1alpha1.RotationPhase) {
	t.Helper()
	start, lastKill := time.Now(), time.Now()
	for last := v1alpha1.RotationPhase(""); ; {
		var phase v1alpha1.RotationPhase
		eventually(t, rotated, func(ctx context.Context) error {
			phase = rotationPhase(ctx, t, extensionAPI)
			if phase != "" && (phase != last || killed && time.Since(lastKill) > killAgain) {
				return nil
			}
			return ready(extensionAPI)(ctx)
		})
		if phase == "" {
			progress("  complete after %s", time.Since(start).Round(time.Second))
			return phases
		}
		if phase != last {
			progress("  %s after %s", phase, time.Since(start).Round(time.Second))
			phases, last = append(phases, phase), phase
		}
		if killed {
			kill(t, victims(t))
			lastKill = time.Now()
			progress("  killed the operator after %s", lastKill.Sub(start).Round(time.Second))
		}
	}
}

// rotationPhase returns the phase of the rotation, empty if none is in progress. CertificatesReady must be True all the
// time.
func rotationPhase(ctx context.Context, t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) v1alpha1.RotationPhase {
	t.Helper()
	current := &v1alpha1.ExtensionAPI{}
	if err := kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), current); err != nil {
		t.Fatal(err)
	}
	if !meta.IsStatusConditionTrue(current.Status.Conditions, v1alpha1.ConditionCertificatesReady) {
		t.Fatalf("CertificatesReady is not True: %s", describe(current))
	}
	if rotation := current.Status.Certificate.Rotation; rotation != nil {
		return rotation.Phase
	}
	return ""
}
