// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Flags of k8s.io/apiserver that the operator sets.
const (
	securePort = "--secure-port"
	certDir    = "--cert-dir"
	certFile   = "--tls-cert-file"
	keyFile    = "--tls-private-key-file"
)

// port is the one that the server listens on: that of its flag, or else the Service's. Below 1024 it is left out, since
// the server does not run as root.
func (m *Manifest) port(pod *corev1.PodSpec, container *corev1.Container, service *corev1.Service) int32 {
	port := targetPort(container, service)
	if flag, err := strconv.ParseInt(flagOf(container, securePort), 10, 32); err == nil {
		port = int32(flag)
	}
	container.Ports = slices.DeleteFunc(container.Ports, func(p corev1.ContainerPort) bool {
		return p.ContainerPort == port
	})
	switch isReserved := pod.HostNetwork && (port == 10248 || port == 10250); {
	case isReserved:
		m.note("the server listens on port %d today, and on 8443 here, since the kubelet listens on it on every node", port)
		return 0
	case port != 0 && port < 1024:
		m.note("the server listens on port %d today, and on 8443 here, since it does not run as root", port)
		return 0
	default:
		return port
	}
}

// targetPort is where the first port of the Service that leads to the container goes, 0 if that is not known.
func targetPort(container *corev1.Container, service *corev1.Service) int32 {
	for _, port := range service.Spec.Ports {
		for _, of := range container.Ports {
			if leadsTo(port, of) {
				return of.ContainerPort
			}
		}
		if port.TargetPort.IntVal != 0 {
			return port.TargetPort.IntVal
		}
	}
	return 0
}

// flags removes what the operator sets: port and certificate, with the Secrets that are mounted for it.
func (m *Manifest) flags(pod *corev1.PodSpec, container *corev1.Container) {
	known := []string{securePort, certDir, certFile, keyFile}
	if !slices.ContainsFunc(known, func(name string) bool { return flagOf(container, name) != "" }) {
		m.note("the operator adds %s, %s and %s: if the server does not know these flags, set "+
			"spec.server.servingFlags to None",
			securePort, certFile, keyFile)
	}
	for _, name := range []string{certFile, keyFile} {
		if file := flagOf(container, name); file != "" {
			m.unmount(pod, container, file)
		}
	}
	for _, name := range known {
		if value := flagOf(container, name); value != "" {
			m.note("%s is left out: the operator sets port and certificate", name)
		}
		container.Command = without(container.Command, name)
		container.Args = without(container.Args, name)
	}
}

// flagOf returns the value of a flag in the command line, empty if there is none.
func flagOf(container *corev1.Container, name string) string {
	all := slices.Concat(container.Command, container.Args)
	for i, argument := range all {
		if value, found := strings.CutPrefix(argument, name+"="); found {
			return value
		}
		if argument == name && i+1 < len(all) {
			return all[i+1]
		}
	}
	return ""
}

// without removes a flag with its value.
func without(arguments []string, name string) []string {
	var left []string
	for i := 0; i < len(arguments); i++ {
		switch {
		case strings.HasPrefix(arguments[i], name+"="):
		case arguments[i] == name:
			i++ // its value
		default:
			left = append(left, arguments[i])
		}
	}
	return left
}

// unmount removes the mount that a file is in, and its volume, if that is a Secret and no other container mounts it.
func (m *Manifest) unmount(pod *corev1.PodSpec, container *corev1.Container, file string) {
	i := slices.IndexFunc(container.VolumeMounts, func(mount corev1.VolumeMount) bool {
		return strings.HasPrefix(file, path.Clean(mount.MountPath)+"/")
	})
	if i < 0 {
		return
	}
	name := container.VolumeMounts[i].Name
	v := slices.IndexFunc(pod.Volumes, func(volume corev1.Volume) bool {
		return volume.Name == name && volume.Secret != nil
	})
	if v < 0 {
		return
	}
	container.VolumeMounts = slices.Delete(container.VolumeMounts, i, i+1)
	m.note("volume %s with the serving certificate is left out", name)
	if !slices.ContainsFunc(slices.Concat(pod.InitContainers, pod.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(mount corev1.VolumeMount) bool { return mount.Name == name })
	}) {
		pod.Volumes = slices.Delete(pod.Volumes, v, v+1)
	}
}
