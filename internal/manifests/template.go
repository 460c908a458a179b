// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	portName = "https"
	// serverPortName lets the Service target the port of each Pod, even while a new port is rolled out.
	serverPortName    = "extension-api"
	servingCertVolume = "serving-cert"
	// ServingCertPath is where the serving certificate is mounted. It is a directory, never a subPath, which the kubelet
	// does not update.
	ServingCertPath = "/var/run/extensionapi/serving-cert"

	// preStopSeconds is the time for every node to stop sending requests to a Pod, and then for kube-apiserver to connect
	// to another one, before the Pod stops listening: servers built on k8s.io/apiserver reject requests right after
	// SIGTERM.
	preStopSeconds = 15
	// drainSeconds is how long such a server waits for open requests; watches keep it waiting that long (k8s.io/apiserver
	// pkg/server/config.go, RequestTimeout).
	drainSeconds = 60
	// exitSeconds is the time for the process to exit by itself.
	exitSeconds = 5
)

// fillTemplate sets defaults in the user's template; fields that are set are kept.
func fillTemplate(w Workload, observed Observed) *corev1.PodTemplateSpec {
	template := w.Template.DeepCopy()
	template.Labels = w.PodLabels()

	pod := &template.Spec
	if w.server != nil {
		fillStorage(pod, w, observed)
	}
	setDefault(&pod.ServiceAccountName, w.ServiceAccountName())
	fillDNSPolicy(pod)
	fillNodeSelector(pod, observed.Deployment)
	if w.securityDefaults != v1alpha1.SecurityDefaultsNone {
		fillSecurity(pod, observed.AssignsUsers)
	}
	fillSpread(pod, w.Labels)
	for i := range pod.InitContainers {
		fillContainer(&pod.InitContainers[i])
	}
	for i := range pod.Containers {
		fillContainer(&pod.Containers[i])
	}
	if w.server != nil {
		fillServer(pod, w)
	}
	return template
}

// fillServer sets the defaults of Pods that serve the API.
func fillServer(pod *corev1.PodSpec, w Workload) {
	setDefault(&pod.TerminationGracePeriodSeconds, ptr.To[int64](preStopSeconds+drainSeconds+exitSeconds))
	fillServingCertVolume(pod, ServingSecretName(w.Name))
	if container := serverContainer(pod); container != nil {
		fillServerContainer(container, w.server, *pod.TerminationGracePeriodSeconds)
	}
}

// fillDNSPolicy lets a Pod in the network of its node resolve the names of Services, such as that of its storage: by
// default it would have the resolver of the node.
func fillDNSPolicy(pod *corev1.PodSpec) {
	if pod.HostNetwork {
		setDefault(&pod.DNSPolicy, corev1.DNSClusterFirstWithHostNet)
	}
}

// fillSpread spreads the Pods of one revision over the nodes, but allows them on a single one.
func fillSpread(pod *corev1.PodSpec, labels map[string]string) {
	if pod.TopologySpreadConstraints != nil || pod.Affinity != nil {
		return
	}
	pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelHostname,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: labels},
		MatchLabelKeys:    []string{"pod-template-hash"},
	}}
}

func fillServingCertVolume(pod *corev1.PodSpec, secretName string) {
	addVolume(pod, corev1.Volume{
		Name:         servingCertVolume,
		VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secretName}},
	})
}

// setDefault sets field to value unless it has one.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
