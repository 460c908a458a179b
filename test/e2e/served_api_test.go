// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestSampleIsServedAfterKubectlApply(t *testing.T) {
	makeVolume(t, "sample-etcd", "1Gi")
	before := newInventory(t)
	sample := readSample(t)
	kubectl(t, "apply", "-f", "config/samples/wardle.yaml")
	t.Cleanup(func() { cleanUp(t, sample) })
	kubectl(t, "wait", "--for=condition=Ready", "xapi/wardle", "--timeout", "1m")

	header, _, _ := strings.Cut(kubectl(t, "get", "xapi"), "\n")
	if columns := strings.Fields(header); !slices.Equal(columns,
		[]string{"NAME", "READY", "AVAILABLE", "REPLICAS", "DISCOVERY", "REASON", "AGE"}) {
		t.Errorf("kubectl get xapi has the columns %q", columns)
	}
	eventually(t, time.Minute, func(ctx context.Context) error { // /apis may list it slightly after it becomes available
		_, err := output(ctx, "kubectl", "apply", "-f", "config/samples/flunder.yaml")
		return err
	})
	kubectl(t, "get", "flunder", "my-first-flunder")
	kubectl(t, "delete", "-f", "config/samples/flunder.yaml")

	start := time.Now()
	kubectl(t, "delete", "xapi/wardle", "--wait")
	t.Logf("with the default grace period the ExtensionAPI was deleted in %s", time.Since(start).Round(time.Second))
	// It has the objects, and fails the test if it was deleted.
	kubectl(t, "delete", "persistentvolumeclaim/data-wardle-etcd-0", "--namespace", sampleNamespace, "--wait")
	if err := before.sameAs(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestImageBecomesAServedAPI(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	t.Logf("Ready after %s", eventually(t, time.Minute, ready(extensionAPI)))
	if err := served("v1beta1", "v1alpha1")(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("measured after another %s", eventually(t, time.Minute, measured(extensionAPI)))
}

// kube-apiserver may report an APIService as available before it forwards requests, so this is tried more than once.
func TestReadyExtensionAPIIsServedImmediately(t *testing.T) {
	extensionAPI := &v1alpha1.ExtensionAPI{}
	t.Cleanup(func() { cleanUp(t, extensionAPI) })
	for range 5 {
		watcher := watchAll(t, v1alpha1.GroupVersion.WithResource("extensionapis"))
		*extensionAPI = *wardle(t, sampleNamespace)
		if err := kube.Create(t.Context(), extensionAPI); err != nil {
			t.Fatal(err)
		}
		await(t, watcher, func(object *unstructured.Unstructured) bool {
			return object.GetUID() == extensionAPI.UID && isTrue(t, object, v1alpha1.ConditionReady)
		})
		if err := served("v1beta1", "v1alpha1")(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := remove(t.Context(), extensionAPI); err != nil {
			t.Fatal(err)
		}
	}
}

// measured succeeds when status has a latency for every group-version and every replica.
func measured(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI); err != nil {
			return err
		}
		status := extensionAPI.Status
		latencies := []*v1alpha1.DiscoveryStatus{{Last: status.DiscoveryLatency}}
		for _, apiService := range status.APIServices {
			latencies = append(latencies, apiService.Discovery)
		}
		for _, endpoint := range status.Endpoints {
			latencies = append(latencies, endpoint.Discovery)
		}
		for _, latency := range latencies {
			if latency == nil || latency.Last == nil || latency.Last.Duration <= 0 {
				return fmt.Errorf("a latency is missing: %+v", status)
			}
		}
		replicas := int(ptr.Deref(extensionAPI.Spec.Server.Replicas, 0))
		if want := 1 + len(extensionAPI.Spec.Groups[0].Versions) + replicas; len(latencies) != want {
			return fmt.Errorf("there are %d latencies, want %d: %+v", len(latencies), want, status)
		}
		return shows(extensionAPI, v1alpha1.ConditionDiscoveryWithinLimit, metav1.ConditionTrue,
			v1alpha1.ReasonWithinLimit, "", "Current")(ctx)
	}
}

func TestChangesOfTheSpecAreRolledOut(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	v1beta1, v1alpha1Service := uidOf(t, "v1beta1."+flunderGroup), uidOf(t, "v1alpha1."+flunderGroup)
	versions := extensionAPI.Spec.Groups[0].Versions

	t.Run("an argument", func(t *testing.T) {
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
			container := &spec.Server.Template.Spec.Containers[0]
			container.Args = append(container.Args, "--v=1")
		})
		t.Logf("Ready after %s", eventually(t, time.Minute, ready(extensionAPI)))
		current, err := deployment(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if args := current.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--v=1") {
			t.Errorf("the Deployment has the arguments %q", args)
		}
	})
	t.Run("a version removed", func(t *testing.T) {
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Groups[0].Versions = versions[:1] })
		eventually(t, time.Minute, ready(extensionAPI))
		eventually(t, 10*time.Second, notServed("v1alpha1"))
	})
	t.Run("a version added", func(t *testing.T) {
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Groups[0].Versions = versions })
		eventually(t, time.Minute, ready(extensionAPI))
		eventually(t, 10*time.Second, served("v1beta1", "v1alpha1"))
	})
	t.Run("more replicas", func(t *testing.T) { scale(t, extensionAPI, 3) })
	t.Run("fewer replicas", func(t *testing.T) { scale(t, extensionAPI, 1) })

	if uidOf(t, "v1beta1."+flunderGroup) != v1beta1 {
		t.Error("the APIService of v1beta1, which was not changed, was recreated")
	}
	if uidOf(t, "v1alpha1."+flunderGroup) == v1alpha1Service {
		t.Error("the APIService of v1alpha1 was never deleted")
	}
}

func scale(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, replicas int32) {
	t.Helper()
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Server.Replicas = &replicas })
	t.Logf("Ready after %s", eventually(t, time.Minute, ready(extensionAPI)))
	current, err := deployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status := current.Status; status.AvailableReplicas != replicas || status.Replicas != replicas {
		t.Errorf("%d of %d Pods are available, want %d", status.AvailableReplicas, status.Replicas, replicas)
	}
	eventually(t, 10*time.Second, served("v1beta1", "v1alpha1"))
}

// notServed succeeds when kube-apiserver does not know the version.
func notServed(version string) func(context.Context) error {
	return absent(flunderGroup + "/" + version)
}

// absent succeeds when kube-apiserver does not know the group-version.
func absent(groupVersion string) func(context.Context) error {
	return func(context.Context) error {
		_, err := discoverer.ServerResourcesForGroupVersion(groupVersion)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil:
			return fmt.Errorf("%s is served", groupVersion)
		}
		return fmt.Errorf("kube-apiserver has not dropped %s: %w", groupVersion, err)
	}
}

func uidOf(t *testing.T, apiService string) types.UID {
	t.Helper()
	found := &apiregistrationv1.APIService{}
	if err := kube.Get(t.Context(), client.ObjectKey{Name: apiService}, found); err != nil {
		t.Fatal(err)
	}
	return found.UID
}

func deployment(ctx context.Context) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}
	err := kube.Get(ctx, client.ObjectKey{Namespace: sampleNamespace, Name: "wardle"}, deployment)
	return deployment, err
}
