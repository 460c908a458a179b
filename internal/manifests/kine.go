// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	// KineContainer is the name of the container that translates the API of etcd to SQL. A template may have one of this
	// name, such as with resources; the operator fills in what it leaves out.
	KineContainer = "kine"

	kineVolume = "extensionapi-kine"
	kinePath   = "/var/run/extensionapi/kine"
	// kineURL is a socket that no other Pod reaches, not even in the network of the node.
	kineURL = "unix://" + kinePath + "/kine.sock"
)

// fillKine runs kine beside the server: it starts before, and stops after it.
func fillKine(pod *corev1.PodSpec, w Workload, observed Observed) {
	isKine := func(c corev1.Container) bool { return c.Name == KineContainer }
	i := slices.IndexFunc(pod.InitContainers, isKine)
	if i < 0 {
		pod.InitContainers = slices.Insert(pod.InitContainers, 0, corev1.Container{Name: KineContainer})
		i = 0
	}
	kine := &pod.InitContainers[i]
	setDefault(&kine.Image, observed.Images.Kine)
	setDefault(&kine.RestartPolicy, new(corev1.ContainerRestartPolicyAlways))
	fillContainer(kine)
	kine.Args = append(kine.Args, "--listen-address="+kineURL, "--metrics-bind-address=0")
	kine.Args = append(kine.Args, certificateFlags(observed.Storage.Keys, "--ca-file=", "--cert-file=", "--key-file=")...)
	kine.Env = append(kine.Env, corev1.EnvVar{Name: "KINE_ENDPOINT", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: StorageSecretName(w.Name)}, Key: DSNKey,
		},
	}})
	addVolume(pod, corev1.Volume{Name: kineVolume, VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{},
	}})
	socket := corev1.VolumeMount{Name: kineVolume, MountPath: kinePath}
	addMount(kine, socket)
	addMount(kine, storageMount)
	if server := serverContainer(pod); server != nil {
		addMount(server, socket)
		fillKineUser(kine, server)
	}
}

// fillKineUser runs kine as the user of the server, who alone may connect to the socket.
func fillKineUser(kine, server *corev1.Container) {
	of := ptr.Deref(server.SecurityContext, corev1.SecurityContext{})
	if of.RunAsUser == nil && of.RunAsGroup == nil {
		return
	}
	setDefault(&kine.SecurityContext, &corev1.SecurityContext{})
	setDefault(&kine.SecurityContext.RunAsUser, of.RunAsUser)
	setDefault(&kine.SecurityContext.RunAsGroup, of.RunAsGroup)
}
