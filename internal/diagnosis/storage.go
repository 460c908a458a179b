// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

const objectsUnavailable = "Requests for objects fail"

// Storage is found of the storage of a server. problem is what another owner has to solve about its Secret.
func Storage(s *snapshot.Snapshot, problem finding.Finding) finding.Finding {
	if !manifests.HasStorage(s.ExtensionAPI) {
		return finding.Good(v1alpha1.ReasonNoStorage, "spec.server.storage is not set")
	}
	if found := Namespace(s); found.Found() {
		return found
	}
	read := s.Storage.Value()
	if problem.Found() && len(read.Stored) == 0 {
		return problem.Affecting("The server is not started")
	}
	found := reached(s, read)
	if problem.Found() && found.Status == metav1.ConditionTrue {
		problem.Status = metav1.ConditionTrue
		return problem.Affecting("The server goes on with the last valid content")
	}
	return found
}

// reached is found of how the storage is reached: what replicas suffer from, before what only the operator sees.
func reached(s *snapshot.Snapshot, read snapshot.Storage) finding.Finding {
	if found := memberProblem(s, read); found.Found() {
		return found
	}
	endpoints := StorageEndpoints(s)
	trouble := inTrouble(endpoints)
	failing, passing := replicas(s, read)
	switch {
	case read.Ended.IsZero():
		return finding.Unknown(v1alpha1.ReasonStorageStarting, "it was not looked at yet")
	case isFull(endpoints):
		return full(s, trouble)
	case len(failing) > 0:
		return unreached(s, endpoints, trouble, failing, passing)
	case len(trouble) > 0:
		return troubled(endpoints, trouble, passing)
	case passing == 0:
		return finding.Unknown(v1alpha1.ReasonStorageStarting,
			"every endpoint answers the operator, but no replica of the server has reported yet that it reaches its "+
				"storage")
	default:
		return expiring(s, read, endpoints)
	}
}

// troubled is found of endpoints that do not answer the operator, where no replica reports a problem.
func troubled(endpoints, trouble []v1alpha1.StorageEndpointStatus, passing int) finding.Finding {
	evidence := strings.Join(described(trouble), "; ")
	if len(trouble) == len(endpoints) && passing == 0 {
		return withCause(endpoints, trouble, "no endpoint answers the operator: "+evidence)
	}
	return finding.True(v1alpha1.ReasonEndpointUnreachable,
		"no replica reports a problem, but the operator finds one with "+evidence, finding.Settled).Alarming().
		Advising("Repair this endpoint; if only the operator cannot reach it, let a NetworkPolicy admit it")
}

// memberProblem is found of the Pod of a standalone etcd.
func memberProblem(s *snapshot.Snapshot, read snapshot.Storage) finding.Finding {
	if !manifests.HasStandalone(s.ExtensionAPI) {
		return finding.Finding{}
	}
	if i := slices.IndexFunc(read.Pods, isReady); i >= 0 {
		return notSeenReady(read, &read.Pods[i])
	}
	name := manifests.StandaloneName(s.Name)
	if found := workload.Problem(read.Pods, read.Causes, "spec.server.storage.standalone"); found.Found() {
		return found.Affecting(objectsUnavailable)
	}
	found := finding.Bad(v1alpha1.ReasonStorageStarting, "waiting for the Pod of StatefulSet "+name+" to become ready",
		finding.Working)
	if len(read.Pods) == 0 && read.Address != "" {
		found = found.Advising(fmt.Sprintf("If there is none, see why: kubectl -n %s describe statefulset %s",
			s.Spec.Server.Namespace, name))
	}
	return found
}

// notSeenReady is found while the last look was before the Pod of a standalone etcd became ready.
func notSeenReady(read snapshot.Storage, pod *corev1.Pod) finding.Finding {
	since := workload.Readiness(pod).LastTransitionTime
	if read.Ended.IsZero() || !read.Ended.Before(since.Time) {
		return finding.Finding{}
	}
	return finding.Unknown(v1alpha1.ReasonStorageStarting, "it was not looked at yet since the Pod of its etcd is ready")
}

// connecting is how long a server that has just started may take to connect to its storage.
const connecting = 10 * time.Second

// replicas are the names of those that do not reach their storage, and how many do. What has just started may still
// connect.
func replicas(s *snapshot.Snapshot, read snapshot.Storage) (failing []string, passing int) {
	addresses := s.ServerAddresses()
	for _, pod := range s.Server.Value().Pods {
		if _, serves := addresses[pod.UID]; !serves {
			continue
		}
		switch check := read.Look.Servers[pod.UID]; {
		case check == storage.Failing && !startedAfter(pod, read.Ended.Add(-connecting)):
			failing = append(failing, pod.Name)
		case check == storage.Passing:
			passing++
		}
	}
	slices.Sort(failing)
	return failing, passing
}

// startedAfter reports whether the server of a Pod runs only since then.
func startedAfter(pod corev1.Pod, moment time.Time) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.Name == v1alpha1.ServerContainer && c.State.Running != nil && c.State.Running.StartedAt.After(moment)
	})
}

// unreached is found where replicas do not reach their storage.
func unreached(
	s *snapshot.Snapshot, endpoints, trouble []v1alpha1.StorageEndpointStatus, failing []string, passing int,
) finding.Finding {
	evidence := fmt.Sprintf("%d of %d replicas do not reach their storage, as their check etcd of /readyz reports: %s",
		len(failing), len(failing)+passing, strings.Join(failing, ", "))
	if len(trouble) > 0 {
		return withCause(endpoints, trouble, evidence+"; "+strings.Join(described(trouble), "; "))
	}
	return finding.Bad(v1alpha1.ReasonStorageRefuses, evidence+"; every endpoint answers the operator", finding.Working).
		Alarming().Affecting(objectsUnavailable).Advising(refusedRemedy(s, failing[0]))
}

func refusedRemedy(s *snapshot.Snapshot, pod string) string {
	container, check := v1alpha1.ServerContainer, "its certificate is accepted, and a NetworkPolicy admits it"
	if manifests.StorageOf(s.ExtensionAPI).SQL != nil {
		container, check = manifests.KineContainer, "user, password and database in Secret "+
			manifests.ProvidedStorageName(s.ExtensionAPI)+" are valid, and a NetworkPolicy admits it"
	}
	return fmt.Sprintf("Check whether %s; see its log: kubectl -n %s logs %s -c %s", check, s.Spec.Server.Namespace, pod,
		container)
}

// withCause is found of endpoints that do not answer.
func withCause(endpoints, trouble []v1alpha1.StorageEndpointStatus, evidence string) finding.Finding {
	isCertificate := func(e v1alpha1.StorageEndpointStatus) bool {
		return strings.Contains(e.Error, "x509: ") || strings.Contains(e.Error, "tls: ")
	}
	if len(trouble) == len(endpoints) && !slices.ContainsFunc(trouble, func(e v1alpha1.StorageEndpointStatus) bool {
		return !isCertificate(e)
	}) {
		return finding.Bad(v1alpha1.ReasonStorageCertificate, evidence, finding.Working).Alarming().
			Affecting(objectsUnavailable).
			Advising("Put a client certificate that the storage accepts, and the CA of its certificate, into the Secret of " +
				"spec.server.storage, or renew that of the storage")
	}
	return finding.Bad(v1alpha1.ReasonStorageUnreachable, evidence, finding.Working).Alarming().
		Affecting(objectsUnavailable).
		Advising("Check whether the storage runs, and whether its address is correct")
}

func isFull(endpoints []v1alpha1.StorageEndpointStatus) bool {
	return slices.ContainsFunc(endpoints, func(e v1alpha1.StorageEndpointStatus) bool {
		return strings.Contains(e.Error, "NOSPACE")
	})
}

// full is found of an etcd that has used its quota.
func full(s *snapshot.Snapshot, trouble []v1alpha1.StorageEndpointStatus) finding.Finding {
	found := finding.Bad(v1alpha1.ReasonStorageFull, "etcd has used its quota: "+strings.Join(described(trouble), "; "),
		finding.Working).Alarming().Affecting("Objects can be read and deleted, but not created or changed")
	if manifests.HasStandalone(s.ExtensionAPI) {
		return found.Advising("Delete objects: once a fifth of the quota is free, the operator defragments it, and lets it " +
			"be written to again, within some 15 minutes")
	}
	return found.Advising("Delete objects, or raise its quota; then defragment it and disarm the alarm with etcdctl")
}

// described are endpoints that do not answer, with why and since when.
func described(trouble []v1alpha1.StorageEndpointStatus) (texts []string) {
	for _, endpoint := range trouble {
		texts = append(texts, fmt.Sprintf("%s (%s, since %s)", endpoint.Address, endpoint.Error,
			pki.Timestamp(endpoint.Since.Time)))
	}
	return texts
}

func inTrouble(endpoints []v1alpha1.StorageEndpointStatus) []v1alpha1.StorageEndpointStatus {
	return slices.DeleteFunc(slices.Clone(endpoints), func(e v1alpha1.StorageEndpointStatus) bool {
		return e.Available != metav1.ConditionFalse
	})
}
