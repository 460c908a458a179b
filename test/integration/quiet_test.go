// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// This test checks all writes of the operator, so no other test runs in parallel.
func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	const name, serviceName = "quiet", "quiet-service"
	backend := startBoth(t, name, serviceName)
	pod := runPod(t, name, nil)
	// The cache does not keep the labels of users.
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Metadata = &v1alpha1.ServerMetadata{
			Labels:      map[string]v1alpha1.LabelValue{"team": "storage"},
			Annotations: map[string]v1alpha1.AnnotationValue{"contact": "storage"},
		}
	})
	awaitSilence(t)

	sent, before := running.writes.count(), reconciliations(t)
	// The Pod is watched and unchanged, the Service does not concern the operator.
	provokeReconciliations(t, pod, backend.service)
	probed := observations(t, serviceName, serviceName+".example.com", "v1", "kube-apiserver")
	eventually(t, func() error {
		if observations(t, serviceName, serviceName+".example.com", "v1", "kube-apiserver") < probed+3 {
			return errors.New("waiting for three more probes")
		}
		return nil
	})
	if writes := slices.DeleteFunc(running.writes.since(sent), isForAToken); len(writes) > 0 {
		t.Errorf("in %d reconciliations the operator wrote %q", reconciliations(t)-before, writes)
	}
}

// isForAToken reports whether a request changes nothing: what the stand-in serves is read with a token a while after
// the registration.
func isForAToken(request string) bool { return strings.HasSuffix(request, "/token") }

// provokeReconciliations annotates the objects until there have been many reconciliations.
func provokeReconciliations(t *testing.T, objects ...client.Object) {
	t.Helper()
	const rounds = 40
	before := reconciliations(t)
	eventually(t, func() error {
		for _, object := range objects {
			annotate(t, object)
		}
		if done := reconciliations(t) - before; done < rounds {
			return fmt.Errorf("%d of %d reconciliations", done, rounds)
		}
		return nil
	})
}

// unhurried is a limit so long that even on a busy machine latencies do not change by a tenth of it, which would be
// reported.
var unhurried = metav1.Duration{Duration: time.Minute}

// startBoth starts a server that the operator runs, as far as that is possible here, and an existing one.
func startBoth(t *testing.T, name, serviceName string) *backend {
	t.Helper()
	startRollout(t, name)
	setDeploymentStatus(t, name, 2)
	backend, _ := startBackend(t, serviceName, "v1")
	extensionAPI := backend.declare(groups(serviceName+".example.com", "v1"))
	extensionAPI.Spec.Discovery.Limit = &unhurried
	apply(t, extensionAPI)
	awaitRegistered(t, serviceName)
	return backend
}

// awaitSilence waits until the operator has written nothing for a while.
func awaitSilence(t *testing.T) {
	t.Helper()
	written, since := running.writes.count(), time.Now()
	eventually(t, func() error {
		if now := running.writes.count(); now != written {
			written, since = now, time.Now()
		}
		if time.Since(since) < forAWhile {
			return fmt.Errorf("the operator has written: %q", running.writes.since(max(0, written-5)))
		}
		return nil
	})
}

func annotate(t *testing.T, object client.Object) {
	t.Helper()
	change(t, object, func(object client.Object) {
		annotations := maps.Clone(object.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["touched"] = time.Now().Format(time.RFC3339Nano)
		object.SetAnnotations(annotations)
	})
}
