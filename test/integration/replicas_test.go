// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// replica is a serving Pod, represented by a port of this machine.
type replica struct {
	*extensionserver.Server
	pod *corev1.Pod
}

// startReplicas declares a server that is probed each second, and for which one response changes the conditions, and
// runs its Pods NAME-0, NAME-1 and so on behind the Service. kube-apiserver does not reach them: nothing routes the
// address of a Service here. EndpointSlices are not updated either when a Pod changes.
func startReplicas(t *testing.T, name string, count int32) []*replica {
	t.Helper()
	address := machineAddress(t)
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.Replicas = &count
	extensionAPI.Spec.Discovery = v1alpha1.Discovery{
		Interval: &metav1.Duration{Duration: time.Second}, FailureThreshold: 1, SuccessThreshold: 1,
	}
	apply(t, extensionAPI)
	await(t, name, status.InProgressStatus, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued))
	var replicas []*replica
	for i := range count {
		replicas = append(replicas, startReplica(t, name, fmt.Sprintf("%s-%d", name, i), address))
	}
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return answering(e, len(replicas)) })
	return replicas
}

// answering succeeds when each replica has responded.
func answering(e *v1alpha1.ExtensionAPI, count int) error {
	answered := 0
	for _, endpoint := range e.Status.Endpoints {
		if endpoint.Discovery != nil && endpoint.Discovery.Last != nil {
			answered++
		}
	}
	if answered != count {
		return fmt.Errorf("%d of %d replicas have responded", answered, count)
	}
	return nil
}

// machineAddress returns an address of this machine that EndpointSlices may contain, that is, not a loopback address.
func machineAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if ip, ok := address.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no IPv4 address but those of loopback")
	return ""
}

func startReplica(t *testing.T, name, podName, address string) *replica {
	t.Helper()
	server := extensionserver.New(groupVersion(name+".example.com", "v1"))
	port := serveAt(t, address, server, keyPair(t, pairOf(servingSecret(t, name))))

	template := deploymentOf(t, name).Spec.Template
	pod := &corev1.Pod{
		ObjectMeta: asReplica(t, name, labelled(in(name, podName), template.Labels)), Spec: template.Spec,
	}
	// Without a kubelet on the node, no component would finish a graceful deletion.
	pod.Spec.NodeName = "node"
	pod.Spec.Containers[0].Ports[0].ContainerPort = port
	createUntilCleanup(t, pod)
	pod.Status.PodIP, pod.Status.PodIPs = address, []corev1.PodIP{{IP: address}}
	setReadiness(t, pod, corev1.ConditionTrue, metav1.Now())
	createUntilCleanup(t, endpointSliceOf(name, pod, port))
	return &replica{server, pod}
}

// serveAt runs the server on the address until the end of the test, and returns its port.
func serveAt(t *testing.T, address string, server *extensionserver.Server, certificate tls.Certificate) int32 {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(server)
	_ = web.Listener.Close()
	web.Listener, web.EnableHTTP2 = listener, true
	web.TLS = server.TLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
	web.StartTLS()
	t.Cleanup(web.Close)
	listening, _ := listener.Addr().(*net.TCPAddr)
	return int32(listening.Port)
}

func deploymentOf(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: in(name, name)}
	resourceVersions(t, deployment)
	return deployment
}

// setReadiness writes the status that the kubelet reports for a Pod whose container has run for an hour.
func setReadiness(t *testing.T, pod *corev1.Pod, ready corev1.ConditionStatus, since metav1.Time) {
	t.Helper()
	wanted := pod.Status.DeepCopy()
	wanted.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: since}}
	started := &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(since.Add(-time.Hour))}
	wanted.ContainerStatuses = []corev1.ContainerStatus{{
		Name: v1alpha1.ServerContainer, State: corev1.ContainerState{Running: started},
	}}
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		pod.Status = *wanted
		return plane.client.Status().Update(ctx, pod)
	})
}

func endpointSliceOf(service string, pod *corev1.Pod, port int32) *discoveryv1.EndpointSlice {
	labels := manifests.ServerLabels(service)
	labels[discoveryv1.LabelServiceName] = service
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  labelled(in(service, pod.Name), labels),
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: &port}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{pod.Status.PodIP},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: service, Name: pod.Name},
		}},
	}
}
