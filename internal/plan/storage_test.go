// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

func storing(wanted v1alpha1.Storage, read snapshot.Storage) *snapshot.Snapshot {
	s := snapshottest.New()
	s.Spec.Server.Storage = &wanted
	s.Storage = snapshot.Of(read, nil)
	return s
}

var (
	errUnknown = errors.New("timeout")
	inSQL      = v1alpha1.Storage{SQL: &v1alpha1.SQLStorage{SecretRef: v1alpha1.StorageSecretReference{Name: "database"}}}
	alone      = v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{}}
)

func secretWith(dsn string) *corev1.Secret {
	return &corev1.Secret{Data: map[string][]byte{manifests.DSNKey: []byte(dsn)}}
}

func TestAServerIsStartedWhenItsPodsCanBeGivenWhatTheyNeed(t *testing.T) {
	const valid = "postgres://u@db/shop"
	for name, test := range map[string]struct {
		s       *snapshot.Snapshot
		starts  bool
		problem string
		stores  bool
	}{
		"without the Secret": {storing(inSQL, snapshot.Storage{}), false, v1alpha1.ReasonSecretNotFound, false},
		"with an invalid Secret": {
			storing(inSQL, snapshot.Storage{Provided: secretWith("?")}), false, v1alpha1.ReasonInvalidSecret, false,
		},
		"with a valid Secret": {storing(inSQL, snapshot.Storage{Provided: secretWith(valid)}), false, "", true},
		"with its copy": {
			storing(inSQL, snapshot.Storage{
				Provided: secretWith(valid),
				Stored:   map[string][]byte{manifests.DSNKey: []byte(valid), manifests.RevisionKey: []byte("1")},
			}), true, "", true,
		},
		"with its copy, and an invalid Secret": {
			storing(inSQL, snapshot.Storage{
				Provided: secretWith("?"),
				Stored:   map[string][]byte{manifests.DSNKey: []byte(valid), manifests.RevisionKey: []byte("1")},
			}), true, v1alpha1.ReasonInvalidSecret, false,
		},
		"with an etcd without TLS": {
			storing(v1alpha1.Storage{Etcd: &v1alpha1.EtcdStorage{Endpoints: []string{"http://etcd:2379"}}}, snapshot.Storage{}),
			true, "", false,
		},
		"with a standalone etcd without certificates": {
			storing(alone, snapshot.Storage{Address: "10.0.0.8"}), false, "", true,
		},
		"with a standalone etcd without an address": {
			storing(alone, snapshot.Storage{Stored: map[string][]byte{manifests.RevisionKey: []byte("1")}}), false, "", true,
		},
		"with a standalone etcd": {
			storing(alone, snapshot.Storage{
				Stored: map[string][]byte{manifests.RevisionKey: []byte("1")}, Address: "10.0.0.8",
			}), true, "", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := nextOf(t, test.s)
			if starts := p.Server != nil; starts != test.starts {
				t.Errorf("the server is started: %t", starts)
			}
			if p.Storage.Problem.Code != test.problem || (len(p.Storage.Data) > 0) != test.stores {
				t.Errorf("the problem is %q, and %d keys are stored", p.Storage.Problem.Code, len(p.Storage.Data))
			}
			if p.Storage.Runs != (test.s.Spec.Server.Storage.Standalone != nil) {
				t.Errorf("an etcd is run: %t", p.Storage.Runs)
			}
		})
	}
}

func TestNothingIsChangedOfAStorageThatIsNotKnown(t *testing.T) {
	s := storing(alone, snapshot.Storage{})
	s.Storage = snapshot.Of(snapshot.Storage{}, errUnknown)
	if p := nextOf(t, s); p.Storage != nil || p.Server != nil {
		t.Errorf("the plan is %+v, %+v", p.Storage, p.Server)
	}
}

func TestAStorageIsLookedAtMoreOftenWhileSomethingIsWrong(t *testing.T) {
	read := snapshot.Storage{
		Provided: secretWith("postgres://u@db/shop"), Ended: snapshottest.Noon,
		Stored: map[string][]byte{
			manifests.DSNKey: []byte("postgres://u@db/shop"), manifests.RevisionKey: []byte("1"),
		},
	}
	for name, test := range map[string]struct {
		look storage.Look
		want time.Duration
	}{
		"all is well": {storage.Look{
			Servers: map[types.UID]storage.Check{}, Endpoints: map[string]storage.Answer{"db:5432": {}},
		}, storage.LookAge},
		"an endpoint fails": {storage.Look{
			Endpoints: map[string]storage.Answer{"db:5432": {Err: errUnknown}},
		}, storage.TroubleAge},
		"nothing was looked at": {storage.Look{}, storage.TroubleAge},
	} {
		read.Look = test.look
		if age := nextOf(t, storing(inSQL, read)).Storage.LookAge; age != test.want {
			t.Errorf("%s: it is looked at after %s, want %s", name, age, test.want)
		}
	}
}

func TestALookAtAStandaloneEtcdKnowsWhenItWasDefragmented(t *testing.T) {
	earlier := snapshottest.Noon.Add(-time.Minute)
	s := storing(alone, snapshot.Storage{Address: "10.0.0.8"})
	read := s.Storage.Value()
	read.Look.Endpoints = map[string]storage.Answer{standaloneAddress(s): {Defragmented: earlier}}
	s.Storage = snapshot.Of(read, nil)
	target := nextOf(t, s).Storage.Target
	if !target.Defragmented.Equal(earlier) || !target.Now.Equal(s.Now) || target.Quota == 0 {
		t.Errorf("the target is %+v", target)
	}
}

func TestANewCAOfAStandaloneEtcdIsUsedWhenEachPodHasLoadedIt(t *testing.T) {
	pod := func(revision string) corev1.Pod {
		pod := corev1.Pod{Spec: corev1.PodSpec{NodeName: "node"}}
		pod.Annotations = map[string]string{manifests.StorageRevisionAnnotation: revision}
		return pod
	}
	read := snapshot.Storage{
		Stored: map[string][]byte{manifests.RevisionKey: []byte("2")}, Pods: []corev1.Pod{pod("2"), pod("1")},
	}
	read.Certificates.Bundle = []byte("both")
	s := storing(alone, read)
	s.Server = snapshot.Of(snapshot.Workload{Pods: []corev1.Pod{pod("2"), {}}}, nil)
	loaded := loadedBundles(s, read)
	if len(loaded) != 3 || string(loaded[0]) != "both" || string(loaded[1]) != "both" || loaded[2] != nil {
		t.Errorf("they have loaded %q", loaded)
	}
}

func TestTheCAOfAnEarlierClientCertificateStaysTrustedUntilTheKubeletHasReplacedIt(t *testing.T) {
	signer, err := pki.NewSigner("test", snapshottest.Noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := signer.IssueServing([]string{"etcd"}, snapshottest.Noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := cert.ParseCertsPEM(stored.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	ago := func(d time.Duration) time.Time { return snapshottest.Noon.Add(-d) }
	for name, test := range map[string]struct {
		record  rotation.Record
		started time.Time
		waits   bool
	}{
		"replaced a moment ago": {
			rotation.Record{Phase: v1alpha1.RotationAwaitingServed, Since: ago(time.Second)}, ago(time.Hour), true,
		},
		"replaced three minutes ago": {
			rotation.Record{Phase: v1alpha1.RotationAwaitingServed, Since: ago(3 * time.Minute)}, ago(time.Hour), false,
		},
		"started since then": {
			rotation.Record{Phase: v1alpha1.RotationAwaitingServed, Since: ago(time.Minute)}, ago(time.Second), false,
		},
		"nothing is replaced": {rotation.Record{Served: pki.Fingerprint(leaf[0])}, ago(time.Hour), false},
		"another client has replaced it": {
			rotation.Record{Announced: map[string]time.Time{"ca": ago(time.Hour)}}, ago(time.Hour), false,
		},
		"the record is lost": {rotation.Record{}, ago(time.Hour), true},
	} {
		pod := corev1.Pod{Spec: corev1.PodSpec{NodeName: "node"}}
		pod.CreationTimestamp = metav1.NewTime(test.started)
		read := snapshot.Storage{Certificates: rotation.Stored{
			State: rotation.State{Serving: stored, Record: test.record},
		}}
		s := storing(alone, read)
		s.Server = snapshot.Of(snapshot.Workload{Pods: []corev1.Pod{pod}}, nil)
		if waits := len(withEarlierCertificates(s, read)) > 0; waits != test.waits {
			t.Errorf("%s: the Pod may have the earlier certificate: %t", name, waits)
		}
	}
}
