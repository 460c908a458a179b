// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	// AssignedUsersAnnotation is on a namespace of OpenShift, whose admission assigns user and fsGroup from such ranges to
	// Pods that leave them out, and refuses others (github.com/openshift/api security/v1, UIDRangeAnnotation). Images for
	// it expect the group of the runtime, 0.
	AssignedUsersAnnotation = "openshift.io/sa.scc.uid-range"

	// nonRootID is the user nonroot of distroless images.
	nonRootID = 65532
)

// fillSecurity sets what Pod Security "restricted" requires, unless the template runs as root.
func fillSecurity(pod *corev1.PodSpec, assignsUsers bool) {
	fillPodSecurity(pod, assignsUsers)
	for i := range pod.InitContainers {
		fillContainerSecurity(&pod.InitContainers[i])
	}
	for i := range pod.Containers {
		fillContainerSecurity(&pod.Containers[i])
	}
}

func fillPodSecurity(pod *corev1.PodSpec, assignsUsers bool) {
	setDefault(&pod.SecurityContext, &corev1.PodSecurityContext{})
	security := pod.SecurityContext
	setDefault(&security.RunAsNonRoot, new(!wantsRoot(security.RunAsUser)))
	setDefault(&security.SeccompProfile, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault})
	if *security.RunAsNonRoot && !assignsUsers {
		setDefault(&security.RunAsUser, ptr.To[int64](nonRootID))
		setDefault(&security.RunAsGroup, ptr.To[int64](nonRootID))
		setDefault(&security.FSGroup, ptr.To[int64](nonRootID))
	}
}

func fillContainerSecurity(container *corev1.Container) {
	setDefault(&container.SecurityContext, &corev1.SecurityContext{})
	security := container.SecurityContext
	if wantsRoot(security.RunAsUser) {
		setDefault(&security.RunAsNonRoot, new(false))
	}
	if !ptr.Deref(security.Privileged, false) {
		setDefault(&security.AllowPrivilegeEscalation, new(false))
		setDefault(&security.Capabilities, &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}})
	}
}

func wantsRoot(user *int64) bool { return user != nil && *user == 0 }
