// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// stored is a snapshot of a server with two replicas that reach the two endpoints of an etcd.
func stored(change func(*snapshot.Snapshot, *snapshot.Storage)) *snapshot.Snapshot {
	s := snapshottest.New()
	s.Spec.Server.Storage = &v1alpha1.Storage{Etcd: &v1alpha1.EtcdStorage{
		Endpoints: []string{"https://etcd-0:2379", "https://etcd-1:2379"},
		SecretRef: &v1alpha1.StorageSecretReference{Name: "etcd"},
	}}
	s.Server = snapshot.Of(snapshot.Workload{Pods: []corev1.Pod{replica("api-a"), replica("api-b")}}, nil)
	read := snapshot.Storage{
		Stored: map[string][]byte{manifests.RevisionKey: []byte("1")}, Ended: noon,
		Look: storage.Look{
			Servers:   map[types.UID]storage.Check{"api-a": storage.Passing, "api-b": storage.Passing},
			Endpoints: map[string]storage.Answer{"etcd-0:2379": {}, "etcd-1:2379": {}},
		},
	}
	change(s, &read)
	s.Storage = snapshot.Of(read, nil)
	return s
}

func replica(name string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{NodeName: "node"}, Status: corev1.PodStatus{PodIP: "10.0.0.7"},
	}
}

func started(name string, moment time.Time) corev1.Pod {
	pod := replica(name)
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name:  v1alpha1.ServerContainer,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(moment)}},
	}}
	return pod
}

func fails(text string) storage.Answer { return storage.Answer{Err: errors.New(text)} }

func alone(s *snapshot.Snapshot) {
	s.Spec.Server.Storage = &v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{}}
}

func TestStorageAvailableReportsWhatReplicasSufferFromBeforeWhatOnlyTheOperatorSees(t *testing.T) {
	isTrue, isFalse := metav1.ConditionTrue, metav1.ConditionFalse
	for name, test := range map[string]struct {
		change func(*snapshot.Snapshot, *snapshot.Storage)
		status metav1.ConditionStatus
		reason string
		says   string
	}{
		"none": {
			func(s *snapshot.Snapshot, _ *snapshot.Storage) { s.Spec.Server.Storage = nil },
			isTrue, v1alpha1.ReasonNoStorage, "is not set",
		},
		"reached": {
			func(*snapshot.Snapshot, *snapshot.Storage) {}, isTrue, v1alpha1.ReasonStorageReached, "every replica",
		},
		"no replica yet": {
			func(s *snapshot.Snapshot, _ *snapshot.Storage) { s.Server = snapshot.Of(snapshot.Workload{}, nil) },
			metav1.ConditionUnknown, v1alpha1.ReasonStorageStarting, "no replica of the server has reported yet",
		},
		"an alarm of one member": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Endpoints["etcd-1:2379"] = storage.Answer{Alarm: "ALARM CORRUPT"}
			},
			isTrue, v1alpha1.ReasonEndpointUnreachable, "finds one with etcd-1:2379 (ALARM CORRUPT, since",
		},
		"not looked at": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Ended = time.Time{} },
			metav1.ConditionUnknown, v1alpha1.ReasonStorageStarting, "not looked at yet",
		},
		"one member down": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Endpoints["etcd-1:2379"] = fails("dial: connection refused")
			},
			isTrue, v1alpha1.ReasonEndpointUnreachable,
			"finds one with etcd-1:2379 (dial: connection refused, since 2026-01-01T12:00:00Z). Repair this endpoint",
		},
		"all members down": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Servers["api-b"] = storage.Failing
				read.Look.Endpoints["etcd-0:2379"] = fails("no response within 3s")
				read.Look.Endpoints["etcd-1:2379"] = fails("no response within 3s")
			},
			isFalse, v1alpha1.ReasonStorageUnreachable, "1 of 2 replicas do not reach their storage, as their check etcd of " +
				"/readyz reports: api-b; etcd-0:2379 (no response within 3s",
		},
		"all members down, with replicas that say nothing": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Servers = nil
				read.Look.Endpoints["etcd-0:2379"] = fails("refused")
				read.Look.Endpoints["etcd-1:2379"] = fails("refused")
			},
			isFalse, v1alpha1.ReasonStorageUnreachable, "no endpoint answers the operator: etcd-0:2379 (refused",
		},
		"a NetworkPolicy that admits only replicas": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Endpoints["etcd-0:2379"] = fails("no response within 3s")
				read.Look.Endpoints["etcd-1:2379"] = fails("no response within 3s")
			},
			isTrue, v1alpha1.ReasonEndpointUnreachable, "if only the operator cannot reach it, let a NetworkPolicy admit it",
		},
		"untrusted members": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Servers["api-a"] = storage.Failing
				read.Look.Endpoints["etcd-0:2379"] = fails("x509: certificate has expired")
				read.Look.Endpoints["etcd-1:2379"] = fails("tls: bad certificate")
			},
			isFalse, v1alpha1.ReasonStorageCertificate, "x509: certificate has expired",
		},
		"refused replicas": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Look.Servers["api-a"] = storage.Failing },
			isFalse, v1alpha1.ReasonStorageRefuses, "every endpoint answers the operator. Requests for objects fail. Check " +
				"whether its certificate is accepted",
		},
		"a replica that connects": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				s.Server.Value().Pods[0] = started("api-a", noon.Add(-time.Second))
				read.Look.Servers["api-a"] = storage.Failing
			},
			isTrue, v1alpha1.ReasonStorageReached, "every replica",
		},
		"replicas that have just started": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				for i, name := range []string{"api-a", "api-b"} {
					s.Server.Value().Pods[i] = started(name, noon)
					read.Look.Servers[types.UID(name)] = storage.Failing
				}
			},
			metav1.ConditionUnknown, v1alpha1.ReasonStorageStarting, "no replica of the server has reported yet",
		},
		"a replica that does not connect": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				s.Server.Value().Pods[0] = started("api-a", noon.Add(-time.Minute))
				read.Look.Servers["api-a"] = storage.Failing
			},
			isFalse, v1alpha1.ReasonStorageRefuses, "1 of 2 replicas do not reach",
		},
		"a database that refuses the password": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				s.Spec.Server.Storage = &v1alpha1.Storage{SQL: &v1alpha1.SQLStorage{
					SecretRef: v1alpha1.StorageSecretReference{Name: "database"},
				}}
				read.Look.Servers["api-a"] = storage.Failing
			},
			isFalse, v1alpha1.ReasonStorageRefuses, "Secret database are valid, and a NetworkPolicy admits it; see its log: " +
				"kubectl -n wardle-system logs api-a -c kine",
		},
		"a full etcd": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) {
				read.Look.Endpoints["etcd-0:2379"] = storage.Answer{Alarm: "ALARM NOSPACE"}
			},
			isFalse, v1alpha1.ReasonStorageFull, "disarm the alarm with etcdctl",
		},
		"a full standalone etcd": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				alone(s)
				read.Pods = []corev1.Pod{replica("etcd-0")}
				read.Pods[0].Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
				read.Look.Endpoints = map[string]storage.Answer{"wardle-etcd.wardle-system.svc:2379": {Alarm: "ALARM NOSPACE"}}
			},
			isFalse, v1alpha1.ReasonStorageFull, "the operator defragments it",
		},
		"a standalone etcd that starts": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) { alone(s); read.Address = "10.0.0.8" },
			isFalse, v1alpha1.ReasonStorageStarting, "kubectl -n wardle-system describe statefulset wardle-etcd",
		},
		"a standalone etcd that became ready after the last look": {
			func(s *snapshot.Snapshot, read *snapshot.Storage) {
				alone(s)
				read.Pods = []corev1.Pod{replica("etcd-0")}
				read.Pods[0].Status.Conditions = []corev1.PodCondition{{
					Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(time.Second)),
				}}
				refused := storage.Answer{Err: errors.New("dial: connection refused")}
				read.Look.Endpoints = map[string]storage.Answer{"wardle-etcd.wardle-system.svc:2379": refused}
				read.Look.Servers = nil
			},
			metav1.ConditionUnknown, v1alpha1.ReasonStorageStarting, "not looked at yet since the Pod of its etcd is ready",
		},
		"a certificate that is about to expire": {
			func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Stored = expiringStored(t) },
			isTrue, v1alpha1.ReasonExpiresSoon, "the client certificate of the server, in Secret etcd, expires at",
		},
	} {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, Storage(stored(test.change), finding.Finding{}), test.status, test.reason, test.says)
		})
	}
}

// expiringStored is what Pods mount with a certificate of an hour that ends in a minute.
func expiringStored(t *testing.T) map[string][]byte {
	t.Helper()
	signer, err := pki.NewSigner("test", noon.Add(-time.Hour), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := signer.IssueServing([]string{"client"}, noon.Add(-59*time.Minute), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{manifests.RevisionKey: []byte("1"), corev1.TLSCertKey: pair.Certificate}
}

func TestAProblemOfTheSecretIsReportedAccordingToWhetherThereIsEarlierContent(t *testing.T) {
	problem := StorageSecretNotFound("wardle-system", "etcd")
	unchanged := func(*snapshot.Snapshot, *snapshot.Storage) {}
	findingtest.Expect(t, Storage(stored(unchanged), problem), metav1.ConditionTrue, v1alpha1.ReasonSecretNotFound,
		"Secret wardle-system/etcd does not exist. The server goes on with the last valid content. Create it")
	without := func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Stored = nil }
	findingtest.Expect(t, Storage(stored(without), problem), metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound,
		"The server is not started")
	down := func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Look.Servers["api-a"] = storage.Failing }
	findingtest.Expect(t, Storage(stored(down), problem), metav1.ConditionFalse, v1alpha1.ReasonStorageRefuses, "")
}

func TestAServerWaitsForWhatItsPodsNeed(t *testing.T) {
	without := func(_ *snapshot.Snapshot, read *snapshot.Storage) { read.Stored = nil }
	waits := AwaitsStorage(stored(without), finding.Finding{})
	findingtest.Expect(t, waits, metav1.ConditionFalse, v1alpha1.ReasonStorageStarting,
		"See the condition StorageAvailable")
	if waits.Progress != finding.Working {
		t.Error("it does not wait for the operator")
	}
	if AwaitsStorage(stored(without), StorageSecretNotFound("a", "b")).Progress != finding.Stalled {
		t.Error("without the Secret it does not wait for a user")
	}
	unchanged := func(*snapshot.Snapshot, *snapshot.Storage) {}
	if AwaitsStorage(stored(unchanged), finding.Finding{}).Found() {
		t.Error("it waits although there is everything")
	}
}

func TestEndpointsKeepSinceWhenTheyAreInTheirState(t *testing.T) {
	earlier := metav1.NewTime(noon.Add(-time.Hour))
	s := stored(func(s *snapshot.Snapshot, read *snapshot.Storage) {
		read.Look.Endpoints["etcd-1:2379"] = fails("refused")
		s.Status.Storage = &v1alpha1.StorageStatus{Endpoints: []v1alpha1.StorageEndpointStatus{
			{Address: "etcd-0:2379", Available: metav1.ConditionTrue, Since: earlier},
			{Address: "etcd-1:2379", Available: metav1.ConditionTrue, Since: earlier},
		}}
	})
	endpoints := StorageEndpoints(s)
	if len(endpoints) != 2 || !endpoints[0].Since.Equal(&earlier) || !endpoints[1].Since.Time.Equal(noon) {
		t.Errorf("they are %+v", endpoints)
	}
}

func TestARotationOfTheStorageThatDoesNotCompleteIsReportedWhereAllIsWellOtherwise(t *testing.T) {
	stuck := &rotation.Plan{Stuck: true, State: rotation.State{Record: rotation.Record{
		Phase: v1alpha1.RotationAwaitingServed, Since: noon.Add(-time.Hour),
	}}}
	well := Storage(stored(func(*snapshot.Snapshot, *snapshot.Storage) {}), finding.Finding{})
	findingtest.Expect(t, WithStorageRotation(well, stuck), metav1.ConditionTrue, v1alpha1.ReasonRotationStuck,
		"waits since 2026-01-01T11:00:00Z for the etcd to serve its new certificate. Restart it")
	for _, plan := range []*rotation.Plan{nil, {}} {
		findingtest.Expect(t, WithStorageRotation(well, plan), metav1.ConditionTrue, v1alpha1.ReasonStorageReached, "")
	}
	down := finding.Bad(v1alpha1.ReasonStorageUnreachable, "down", finding.Working)
	findingtest.Expect(t, WithStorageRotation(down, stuck), metav1.ConditionFalse, v1alpha1.ReasonStorageUnreachable, "")
}
