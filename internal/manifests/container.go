// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// fillContainer sets the defaults of every container of the Pod.
func fillContainer(container *corev1.Container) {
	// The last lines of a crashed container's log are then in the Pod's status, for users who may read the Pod.
	setDefault(&container.TerminationMessagePolicy, corev1.TerminationMessageFallbackToLogsOnError)
}

// fillServerContainer sets the defaults of the container that serves the API.
func fillServerContainer(container *corev1.Container, server *v1alpha1.Server, gracePeriodSeconds int64) {
	if server.ServingFlags == v1alpha1.ServingFlagsInject {
		container.Args = append(container.Args, missingFlags(container, server.Port)...)
	}
	fillServerPort(container, server.Port)
	fillServingCertMount(container)
	fillProbes(container, server)
	fillPreStop(container, gracePeriodSeconds)
}

// fillPreStop leaves half of a short grace period for the server's own shutdown.
func fillPreStop(container *corev1.Container, gracePeriodSeconds int64) {
	seconds := min(preStopSeconds, gracePeriodSeconds/2)
	if seconds <= 0 {
		return
	}
	setDefault(&container.Lifecycle, &corev1.Lifecycle{})
	setDefault(&container.Lifecycle.PreStop, &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}})
}

// missingFlags returns the flags for port and certificate that the template does not set.
func missingFlags(container *corev1.Container, port int32) []string {
	wanted := []struct{ name, value string }{
		{"--secure-port", fmt.Sprint(port)},
		{"--tls-cert-file", ServingCertPath + "/" + corev1.TLSCertKey},
		{"--tls-private-key-file", ServingCertPath + "/" + corev1.TLSPrivateKeyKey},
	}
	present := slices.Concat(container.Command, container.Args)
	var missing []string
	for _, flag := range wanted {
		if !hasFlag(present, flag.name) {
			missing = append(missing, flag.name+"="+flag.value)
		}
	}
	return missing
}

func hasFlag(args []string, name string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		return arg == name || strings.HasPrefix(arg, name+"=")
	})
}

func fillServerPort(container *corev1.Container, port int32) {
	for i := range container.Ports {
		if container.Ports[i].ContainerPort == port {
			setDefault(&container.Ports[i].Name, serverPortName)
			return
		}
	}
	container.Ports = append(container.Ports, corev1.ContainerPort{
		Name:          serverPortName,
		ContainerPort: port,
		Protocol:      corev1.ProtocolTCP,
	})
}

// ServerPort returns the target port of the Service on a Pod, which differs from the spec while a new port is rolled
// out.
func ServerPort(pod *corev1.Pod, server *v1alpha1.Server) int32 {
	name := targetPort(server).StrVal
	for _, port := range serverPorts(&pod.Spec) {
		if port.Name == name {
			return port.ContainerPort
		}
	}
	return server.Port
}

// targetPort returns the name of the server's port: that in the template, or the default.
func targetPort(server *v1alpha1.Server) intstr.IntOrString {
	for _, port := range serverPorts(&server.Template.Spec) {
		if port.ContainerPort == server.Port && port.Name != "" {
			return intstr.FromString(port.Name)
		}
	}
	return intstr.FromString(serverPortName)
}

// serverPorts returns the ports of the container that serves the API.
func serverPorts(pod *corev1.PodSpec) []corev1.ContainerPort {
	for i := range pod.Containers {
		if pod.Containers[i].Name == v1alpha1.ServerContainer {
			return pod.Containers[i].Ports
		}
	}
	return nil
}

func fillServingCertMount(container *corev1.Container) {
	addMount(container, corev1.VolumeMount{
		Name:      servingCertVolume,
		MountPath: ServingCertPath,
		ReadOnly:  true,
	})
}

// fillProbes uses the paths of k8s.io/apiserver, which every user may read. The startup probe is frequent, so that a
// new Pod is ready as soon as possible, and allows two minutes. A restart does not repair the storage, and while that
// is down, the backoff of restarts would only delay the recovery.
func fillProbes(container *corev1.Container, server *v1alpha1.Server) {
	live := "/livez"
	if server.Storage != nil {
		live += "?exclude=etcd"
	}
	setDefault(&container.StartupProbe, httpsProbe("/readyz", server.Port, 1, 120))
	setDefault(&container.ReadinessProbe, httpsProbe("/readyz", server.Port, 5, 3))
	setDefault(&container.LivenessProbe, httpsProbe(live, server.Port, 10, 6))
}

func httpsProbe(path string, port, periodSeconds, failureThreshold int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path:   path,
			Port:   intstr.FromInt32(port),
			Scheme: corev1.URISchemeHTTPS,
		}},
		PeriodSeconds:    periodSeconds,
		TimeoutSeconds:   5,
		FailureThreshold: failureThreshold,
	}
}
