// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// unavailable fails discovery, which readiness probes would not detect.
var unavailable = failing(http.StatusServiceUnavailable)

func TestUnhealthyReplicaIsEjectedReportedAndRestored(t *testing.T) {
	t.Parallel()
	const name = "ejected"
	replicas := startReplicas(t, name, 2)
	registerAsOperator(t, name, trustSecret(t, name).Data[corev1.TLSCertKey])

	replicas[1].Behave(unavailable)
	awaitEjected(t, name, "ejected-1")
	current := awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsEjected(e, "ejected-1") })
	ejection := current.Status.Endpoints[slices.IndexFunc(current.Status.Endpoints, isEjected)].Ejected
	if !strings.Contains(ejection.Message, "503 Service Unavailable") || time.Since(ejection.Since.Time) > patience {
		t.Errorf("status.endpoints reports %+v", ejection)
	}
	expectEjections(t, name, 1, 1)
	eventually(t, func() error { return reconnectsSince(t, name, ejection.Since.Add(5*time.Second)) })

	replicas[1].Behave(extensionserver.Behaviour{})
	awaitEjected(t, name)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsEjected(e) })
	expectEjections(t, name, 0, 1)
	eventually(t, func() error {
		found := eventsOf(t, name)
		if found["Warning ReplicaEjected"] != 1 || found["Normal ReplicaRestored"] != 1 {
			return fmt.Errorf("the events are %v", found)
		}
		return nil
	})
}

func TestAtMostHalfOfTheReplicasAreEjected(t *testing.T) {
	t.Parallel()
	const name = "ejected-half"
	replicas := startReplicas(t, name, 3)
	replicas[1].Behave(unavailable)
	awaitEjected(t, name, "ejected-half-1")
	replicas[2].Behave(unavailable)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsFailing(e, "ejected-half-2") })
	consistently(t, func() error { return ejectedAre(t, name, "ejected-half-1") })
}

func TestNoReplicaIsEjectedIfAllAreUnhealthy(t *testing.T) {
	t.Parallel()
	const name = "ejected-none"
	replicas := startReplicas(t, name, 2)
	replicas[1].Behave(unavailable)
	awaitEjected(t, name, "ejected-none-1")
	replicas[0].Behave(unavailable)
	awaitEjected(t, name)
	consistently(t, func() error { return ejectedAre(t, name) })
	replicas[1].Behave(extensionserver.Behaviour{})
	awaitEjected(t, name, "ejected-none-0")
}

func TestReplicasAreRestoredWhenEjectionIsDisabled(t *testing.T) {
	t.Parallel()
	const name = "ejected-off"
	startReplicas(t, name, 2)[0].Behave(unavailable)
	awaitEjected(t, name, "ejected-off-0")
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.OutlierEjection = v1alpha1.PolicyDisabled
	})
	awaitEjected(t, name)
	consistently(t, func() error { return ejectedAre(t, name) })
}

func TestKubeAPIServerReconnectsWhenAReplicaBecomesUnready(t *testing.T) {
	t.Parallel()
	const name = "turned-unready"
	replicas := startReplicas(t, name, 2)
	registerAsOperator(t, name, trustSecret(t, name).Data[corev1.TLSCertKey])
	turned := metav1.Now().Rfc3339Copy()
	setReadiness(t, replicas[0].pod, corev1.ConditionFalse, turned)
	eventually(t, func() error { return reconnectsSince(t, name, turned.Add(5*time.Second)) })
}

// awaitEjected waits until exactly these Pods are ejected from the Service.
func awaitEjected(t *testing.T, name string, wanted ...string) {
	t.Helper()
	eventually(t, func() error { return ejectedAre(t, name, wanted...) })
}

// ejectedAre checks which Pods of the Deployment the Service does not select.
func ejectedAre(t *testing.T, name string, wanted ...string) error {
	t.Helper()
	service, deployment, pods := &corev1.Service{}, deploymentOf(t, name), &corev1.PodList{}
	err := errors.Join(plane.client.Get(ctx, client.ObjectKey{Namespace: name, Name: name}, service),
		plane.client.List(ctx, pods, client.InNamespace(name), client.MatchingLabels(deployment.Spec.Selector.MatchLabels)))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, pod := range pods.Items {
		_, recorded := pod.Annotations["aggregation.extensionapi.dev/ejected"]
		leftOut := !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels))
		if recorded != leftOut {
			return fmt.Errorf("Pod %s has the labels %v and the annotations %v", pod.Name, pod.Labels, pod.Annotations)
		}
		if leftOut {
			found = append(found, pod.Name)
		}
	}
	if !slices.Equal(found, wanted) {
		return fmt.Errorf("the Service does not select %v, want %v", found, wanted)
	}
	return nil
}

func isEjected(endpoint v1alpha1.EndpointStatus) bool { return endpoint.Ejected != nil }

func reportsEjected(e *v1alpha1.ExtensionAPI, wanted ...string) error {
	var found []string
	for _, endpoint := range e.Status.Endpoints {
		if isEjected(endpoint) {
			found = append(found, endpoint.Pod)
		}
	}
	if !slices.Equal(found, wanted) {
		return fmt.Errorf("status.endpoints reports that %v are ejected, want %v", found, wanted)
	}
	return nil
}

// reportsFailing succeeds when status reports that the Pod fails discovery.
func reportsFailing(e *v1alpha1.ExtensionAPI, pod string) error {
	for _, endpoint := range e.Status.Endpoints {
		if endpoint.Pod == pod && endpoint.Discovery != nil && endpoint.Discovery.Error != "" {
			return nil
		}
	}
	return fmt.Errorf("status.endpoints does not report that Pod %s fails", pod)
}

// expectEjections waits until the metrics report these ejections.
func expectEjections(t *testing.T, name string, now, everSince float64) {
	t.Helper()
	of := map[string]string{"extensionapi": name}
	eventually(t, func() error {
		ejected := metricsOf(t, running.metrics, "extensionapi_replicas_ejected", of)
		ejections := metricsOf(t, running.metrics, "extensionapi_replica_ejections_total", of)
		if len(ejected) != 1 || ejected[0].GetGauge().GetValue() != now ||
			len(ejections) != 1 || ejections[0].GetCounter().GetValue() != everSince {
			return fmt.Errorf("the metrics are %v and %v", ejected, ejections)
		}
		return nil
	})
}

// reconnectsSince succeeds when the APIService makes kube-apiserver reconnect because of an event at that time or
// later: here it never becomes available, so that there are more.
func reconnectsSince(t *testing.T, name string, moment time.Time) error {
	t.Helper()
	caBundle := string(apiServices(t, name)["v1."+name+".example.com"].Spec.CABundle)
	_, timestamp, _ := strings.Cut(caBundle, "\n# reconnect, a Pod has left: ")
	since, err := time.Parse(time.RFC3339+"\n", timestamp)
	if err == nil && since.Before(moment) {
		err = fmt.Errorf("kube-apiserver is to reconnect because of an event at %s, want %s", since, moment)
	}
	return err
}
