// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

type behaviour = extensionserver.Behaviour

const faultServerImage = "extensionapi.dev/faultserver:e2e"

// faultServer is an ExtensionAPI whose replicas have configurable faults (test/extensionserver).
type faultServer struct {
	*v1alpha1.ExtensionAPI
	// pods are its Pods, the first of which is the one that kube-apiserver is connected to.
	pods []corev1.Pod
}

// faultServerAPI returns an ExtensionAPI with two replicas that are probed often, in the sample's namespace.
func faultServerAPI(name, group string, versions ...string) *v1alpha1.ExtensionAPI {
	served := v1alpha1.APIGroup{Name: group}
	server := corev1.Container{Name: v1alpha1.ServerContainer, Image: faultServerImage}
	for _, version := range versions {
		served.Versions = append(served.Versions, v1alpha1.APIVersion{Name: version})
		server.Args = append(server.Args, "--group-version="+group+"/"+version)
	}
	extensionAPI := &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{served},
			Server: &v1alpha1.Server{
				Namespace: sampleNamespace,
				Replicas:  ptr.To[int32](2),
				Template:  corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{server}}},
			},
			// What is found of a fault is what kube-apiserver meets.
			Discovery: v1alpha1.Discovery{
				Interval: &metav1.Duration{Duration: 2 * time.Second}, StandIn: v1alpha1.StandInNever,
			},
		},
	}
	endSoon(&extensionAPI.Spec.Server.Template.Spec)
	return extensionAPI
}

// createUntilCleanup creates the ExtensionAPI, and deletes it when the test ends.
func createUntilCleanup(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) {
	tb.Helper()
	removeOnCleanup(tb, extensionAPI)
	if err := kube.Create(tb.Context(), extensionAPI); err != nil {
		tb.Fatal(err)
	}
}

func removeOnCleanup(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := remove(context.WithoutCancel(tb.Context()), extensionAPI); err != nil {
			tb.Error(err)
		}
	})
}

// connectedFirst returns the Pods with the label, starting with the one that kube-apiserver is connected to.
func connectedFirst(t *testing.T, label, value string) []corev1.Pod {
	t.Helper()
	pods, err := labelledPods(t.Context(), label, value)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		behave(t, pod, behaviour{}) // resets the request counts
	}
	requests := map[string]int{}
	eventually(t, time.Minute, func(ctx context.Context) error {
		for _, pod := range pods {
			if requests[pod.Name], err = requestsByKubeAPIServer(ctx, pod); err != nil {
				return err
			}
		}
		if len(pods) == 0 || slices.Max(slices.Collect(maps.Values(requests))) == 0 {
			return errors.New("kube-apiserver has sent no request to any of the Pods")
		}
		return nil
	})
	return slices.SortedFunc(slices.Values(pods), func(a, b corev1.Pod) int {
		return cmp.Compare(requests[b.Name], requests[a.Name])
	})
}

func requestsByKubeAPIServer(ctx context.Context, pod corev1.Pod) (int, error) {
	requests, err := requestsOf(ctx, pod)
	total := 0
	for _, count := range requests[extensionserver.KubeAPIServer] {
		total += count
	}
	return total, err
}

// behave replaces the behaviour of a replica.
func behave(tb testing.TB, pod corev1.Pod, behaviour behaviour) {
	tb.Helper()
	content, err := json.Marshal(behaviour)
	if err != nil {
		tb.Fatal(err)
	}
	// Also to clean up after a test.
	if _, err := control(context.WithoutCancel(tb.Context()), pod, http.MethodPut, "behaviour", content); err != nil {
		tb.Fatal(err)
	}
}

// requestsOf returns the numbers of requests to a replica since its behaviour was last replaced.
func requestsOf(ctx context.Context, pod corev1.Pod) (map[extensionserver.Sender]map[string]int, error) {
	content, err := control(ctx, pod, http.MethodGet, "requests", nil)
	if err != nil {
		return nil, err
	}
	requests := map[extensionserver.Sender]map[string]int{}
	return requests, json.Unmarshal(content, &requests)
}

// control sends a request to a replica's control port.
func control(ctx context.Context, pod corev1.Pod, method, path string, content []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	url := "http://" + net.JoinHostPort(pod.Status.PodIP, "8080") + "/" + path
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, response.Status, answer)
	}
	return answer, err
}

// currently returns the current ExtensionAPI.
func currently(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (*v1alpha1.ExtensionAPI, error) {
	current := &v1alpha1.ExtensionAPI{}
	return current, kube.Get(ctx, client.ObjectKeyFromObject(extensionAPI), current)
}

// is succeeds when the condition has the status, the reason and the words.
func is(
	extensionAPI *v1alpha1.ExtensionAPI, conditionType string, status metav1.ConditionStatus, reason, words string,
) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		found := conditionOf(current, conditionType)
		if found.Status != status || found.Reason != reason || !strings.Contains(found.Message, words) {
			return fmt.Errorf("want %s=%s %s with %q, have %s", conditionType, status, reason, words, describe(current))
		}
		return nil
	}
}
