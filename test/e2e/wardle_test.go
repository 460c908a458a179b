// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// sampleNamespace admits only Pods that meet the Pod Security Standard restricted, like all namespaces of the tests.
	sampleNamespace = "wardle-system"
	flunderGroup    = "wardle.example.com"
)

// wardle returns the ExtensionAPI of config/samples/wardle.yaml, for a server in namespace that stores its objects in
// the etcd of testdata/etcd.yaml. Its Pods terminate within seconds instead of minutes, because there are no requests
// to drain, and tests wait for the termination of many Pods.
func wardle(tb testing.TB, namespace string) *v1alpha1.ExtensionAPI {
	tb.Helper()
	extensionAPI := drainingWardle(tb, namespace)
	endSoon(&extensionAPI.Spec.Server.Template.Spec)
	return extensionAPI
}

func endSoon(pod *corev1.PodSpec) {
	pod.TerminationGracePeriodSeconds = ptr.To[int64](3)
	pod.Containers[0].Lifecycle = &corev1.Lifecycle{
		PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}},
	}
}

// drainingWardle returns the same, but its Pods terminate with the operator's defaults.
func drainingWardle(tb testing.TB, namespace string) *v1alpha1.ExtensionAPI {
	tb.Helper()
	extensionAPI := readSample(tb)
	extensionAPI.Spec.Server.Namespace, extensionAPI.Spec.Server.Storage = namespace, nil
	// The environment variables with etcd's address exist only in the sample's namespace.
	etcd := &corev1.Service{}
	if err := kube.Get(tb.Context(), client.ObjectKey{Namespace: sampleNamespace, Name: "etcd"}, etcd); err != nil {
		tb.Fatal(err)
	}
	container(&extensionAPI.Spec).Args = []string{"--etcd-servers=http://" + etcd.Spec.ClusterIP + ":2379"}
	return extensionAPI
}

func readSample(tb testing.TB) *v1alpha1.ExtensionAPI {
	tb.Helper()
	file, err := os.Open(filepath.Join(root, "config/samples/wardle.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	documents := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		sample := &v1alpha1.ExtensionAPI{}
		if err := documents.Decode(sample); err != nil {
			tb.Fatalf("looking for the ExtensionAPI in %s: %v", file.Name(), err)
		}
		if sample.Kind == "ExtensionAPI" {
			return sample
		}
	}
}

// create creates the ExtensionAPI, and cleans up when the test ends.
func create(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) {
	tb.Helper()
	if err := kube.Create(tb.Context(), extensionAPI); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { cleanUp(tb, extensionAPI) })
}

// cleanUp deletes the ExtensionAPI and checks that nothing is left behind.
func cleanUp(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	if tb.Failed() {
		diagnose(ctx, tb)
	}
	if err := remove(ctx, extensionAPI); err != nil {
		tb.Fatal(err)
	}
	left, err := takeInventory(ctx, ownerLabel)
	if err != nil {
		tb.Fatal(err)
	}
	for name := range left {
		tb.Errorf("the deleted ExtensionAPI has left behind: %s", name)
	}
}

// change patches the ExtensionAPI with the changes of mutate.
func change(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI, mutate func(*v1alpha1.ExtensionAPISpec)) {
	tb.Helper()
	patch := client.MergeFrom(extensionAPI.DeepCopy())
	mutate(&extensionAPI.Spec)
	if err := kube.Patch(tb.Context(), extensionAPI, patch); err != nil {
		tb.Fatal(err)
	}
}

// remove deletes the ExtensionAPI and waits until it is gone.
func remove(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) error {
	if err := kube.Delete(ctx, extensionAPI); err != nil {
		return client.IgnoreNotFound(err)
	}
	_, err := poll(ctx, 2*time.Minute, gone(extensionAPI))
	return err
}

func gone(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current := &v1alpha1.ExtensionAPI{}
		err := kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), current)
		if err != nil {
			return client.IgnoreNotFound(err)
		}
		return fmt.Errorf("the ExtensionAPI still exists: %s", describe(current))
	}
}

// ready succeeds when conditions and kstatus report that the current spec is applied.
func ready(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return shows(extensionAPI, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, "",
		status.CurrentStatus)
}

// shows succeeds when the condition matches, its message contains words, and kstatus computes progress.
func shows(
	extensionAPI *v1alpha1.ExtensionAPI, conditionType string, conditionStatus metav1.ConditionStatus,
	reason, words string, progress status.Status,
) func(context.Context) error {
	return func(ctx context.Context) error {
		current := &v1alpha1.ExtensionAPI{}
		if err := kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), current); err != nil {
			return err
		}
		computed, err := kstatus(current)
		if err != nil {
			return err
		}
		condition := conditionOf(current, conditionType)
		if condition.Status == conditionStatus && condition.Reason == reason && strings.Contains(condition.Message, words) &&
			condition.ObservedGeneration == current.Generation && computed == progress {
			return nil
		}
		return fmt.Errorf("want generation %d %s=%s %s %q (%s), have %s: %s", current.Generation,
			conditionType, conditionStatus, reason, words, progress, computed, describe(current))
	}
}

// states succeeds when a condition with that reason has words in its message. Others may only refer to it.
func states(extensionAPI *v1alpha1.ExtensionAPI, reason, words string) func(context.Context) error {
	return func(ctx context.Context) error {
		current := &v1alpha1.ExtensionAPI{}
		if err := kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), current); err != nil {
			return err
		}
		for _, condition := range current.Status.Conditions {
			if condition.Reason == reason && strings.Contains(condition.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("want %s with %q, have %s", reason, words, describe(current))
	}
}

// conditionOf returns the condition, or the zero value if it does not exist.
func conditionOf(extensionAPI *v1alpha1.ExtensionAPI, conditionType string) metav1.Condition {
	return ptr.Deref(meta.FindStatusCondition(extensionAPI.Status.Conditions, conditionType), metav1.Condition{})
}

func kstatus(extensionAPI *v1alpha1.ExtensionAPI) (status.Status, error) {
	object, err := toUnstructured(extensionAPI)
	if err != nil {
		return "", err
	}
	result, err := status.Compute(object)
	if err != nil {
		return "", err
	}
	return result.Status, nil
}

func toUnstructured(extensionAPI *v1alpha1.ExtensionAPI) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(extensionAPI)
	return &unstructured.Unstructured{Object: content}, err
}

func describe(extensionAPI *v1alpha1.ExtensionAPI) string {
	text := fmt.Sprintf("%s, generation %d", extensionAPI.Name, extensionAPI.Generation)
	for _, c := range extensionAPI.Status.Conditions {
		text += fmt.Sprintf("\n  %s=%s %s (generation %d): %s", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message)
	}
	return text
}

// served succeeds when an ordinary user can create, read and delete a Flunder in each of the versions.
func served(versions ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, version := range versions {
			errs = append(errs, useFlunder(ctx, version))
		}
		return errors.Join(errs...)
	}
}

func useFlunder(ctx context.Context, version string) error {
	groupVersion := schema.GroupVersion{Group: flunderGroup, Version: version}
	flunders := user.Resource(groupVersion.WithResource("flunders")).Namespace(metav1.NamespaceDefault)
	flunder := &unstructured.Unstructured{}
	flunder.SetGroupVersionKind(groupVersion.WithKind("Flunder"))
	flunder.SetGenerateName("e2e-")
	created, err := flunders.Create(ctx, flunder, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a Flunder: %w", err)
	}
	if _, err := flunders.Get(ctx, created.GetName(), metav1.GetOptions{}); err != nil {
		return fmt.Errorf("reading a Flunder: %w", err)
	}
	if err := flunders.Delete(ctx, created.GetName(), metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting a Flunder: %w", err)
	}
	return nil
}
