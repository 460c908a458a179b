// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const (
	// downFor is how long a storage is down.
	downFor = time.Minute
	// storageReported is how long it takes until the condition reports a cause: the operator looks every 30 s.
	storageReported = 90 * time.Second
	// storageRecovered is how long the backoff of a container that was restarted may take.
	storageRecovered = 5 * time.Minute
	// compacted is how long a standalone etcd may take until it is compacted, and defragmented by the operator.
	compacted = 20 * time.Minute
)

// stored is a server with a storage, and what can be done to it.
type stored struct {
	*v1alpha1.ExtensionAPI
	// stop stops the storage until start is called.
	stop func(t *testing.T) (start func())
	// causes are reasons of StorageAvailable while it is stopped.
	causes []string
	// rotate replaces the credentials of the server, and rotateCA the CA.
	rotate, rotateCA func(t *testing.T)
	// fill uses up the disk or the quota until empty is called.
	fill func(t *testing.T) (empty func())
	// fullCause is the reason meanwhile, empty where reads go on and nothing reports it.
	fullCause string
}

var storages = []struct {
	name  string
	start func(t *testing.T) *stored
}{
	{"etcd", inEtcd}, {"sql", inPostgreSQL}, {"standalone", inStandalone},
}

// cells are what happens to each of them; those that are long are skipped by -short.
var cells = []struct {
	name string
	do   func(*testing.T, *stored, *writer)
	long func(storage string) bool
}{
	{"rollout", rollOut, except("")},
	{"a Pod is deleted", deletePod, except("sql")},
	{"the storage is down for a minute", goDown, except("standalone")},
	{"the credentials are replaced", func(t *testing.T, s *stored, _ *writer) {
		t.Helper()
		s.rotate(t)
	}, except("etcd")},
	{"the CA is replaced", func(t *testing.T, s *stored, _ *writer) {
		t.Helper()
		s.rotateCA(t)
	}, except("")},
	{"the disk is full", fillUp, except("")},
}

// except skips a cell for all storages but one.
func except(storage string) func(string) bool {
	return func(name string) bool { return name != storage }
}

// TestStorageLosesNoAcknowledgedWrite does to each storage what docs/storage.md says that it survives. At the end it is
// deleted, and nothing is left but what others run.
func TestStorageLosesNoAcknowledgedWrite(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			s := storage.start(t)
			create(t, s.ExtensionAPI)
			eventually(t, 2*time.Minute, s.isWell)
			t.Cleanup(func() { deleteFlunders(t) })
			for _, cell := range cells {
				t.Run(cell.name, func(t *testing.T) {
					if cell.long(storage.name) {
						onlyLong(t)
					}
					w := startWriting(t)
					cell.do(t, s, w)
					progress("  %s, %s: recovered after %s", storage.name, cell.name, eventually(t, storageRecovered, s.isWell))
					w.end(t)
				})
			}
		})
	}
}

// isWell succeeds when everything is rolled out, and StorageAvailable and Ready are True.
func (s *stored) isWell(ctx context.Context) error {
	if err := ready(s.ExtensionAPI)(ctx); err != nil {
		return err
	}
	return is(s.ExtensionAPI, v1alpha1.ConditionStorageAvailable,
		metav1.ConditionTrue, v1alpha1.ReasonStorageReached, "")(ctx)
}

// reports succeeds when StorageAvailable is False for one of the reasons.
func (s *stored) reports(reasons ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, s.ExtensionAPI)
		if err != nil {
			return err
		}
		found := conditionOf(current, v1alpha1.ConditionStorageAvailable)
		if found.Status != metav1.ConditionFalse || !slices.Contains(reasons, found.Reason) {
			return fmt.Errorf("want StorageAvailable=False with a reason of %q, have %s", reasons, describe(current))
		}
		return nil
	}
}

func rollOut(t *testing.T, s *stored, w *writer) {
	t.Helper()
	before := w.failed()
	change(t, s.ExtensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		container(spec).Env = append(container(spec).Env, corev1.EnvVar{Name: "ROLLOUT", Value: time.Now().String()})
	})
	eventually(t, storageRecovered, s.isWell)
	expectNoFailure(t, w, before)
}

func deletePod(t *testing.T, s *stored, w *writer) {
	t.Helper()
	before := w.failed()
	pods := podsOfServer(t)
	deleteNow(t, &pods[0])
	eventually(t, storageRecovered, s.isWell)
	expectNoFailure(t, w, before)
}

// expectNoFailure fails the test if a write has failed, acknowledged or not.
func expectNoFailure(t *testing.T, w *writer, before int) {
	t.Helper()
	if failed := w.failed() - before; failed > 0 {
		t.Errorf("%d writes have failed: %v", failed, w.failures)
	}
}

func podsOfServer(t *testing.T) []corev1.Pod {
	t.Helper()
	pods, err := readServerPods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pods
}

func readServerPods(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := labelledPods(ctx, manifests.ComponentLabel, manifests.ServerComponent)
	if err == nil && len(pods) == 0 {
		return nil, errors.New("the server has no Pods")
	}
	return pods, err
}

func goDown(t *testing.T, s *stored, w *writer) {
	t.Helper()
	before := w.failed()
	start := s.stop(t)
	t.Cleanup(start)
	stopped := time.Now()
	named := eventually(t, storageReported, s.reports(s.causes...))
	eventually(t, storageReported, w.hasFailed(before))
	progress("  the cause was reported after %s", named)
	eventually(t, 2*downFor, func(context.Context) error {
		if lasted := time.Since(stopped); lasted < downFor {
			return fmt.Errorf("it is down for %s only", lasted)
		}
		return nil
	})
	start()
}

func fillUp(t *testing.T, s *stored, w *writer) {
	t.Helper()
	before := w.failed()
	empty := s.fill(t)
	t.Cleanup(empty)
	eventually(t, storageReported, w.hasFailed(before))
	if s.fullCause != "" {
		eventually(t, storageReported, s.reports(s.fullCause))
	}
	empty()
	eventually(t, compacted, s.isWell)
}

func deleteFlunders(t *testing.T) {
	t.Helper()
	_, err := poll(context.WithoutCancel(t.Context()), storageRecovered, func(ctx context.Context) error {
		return objects.Resource(flunderResource).Namespace(metav1.NamespaceDefault).
			DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	})
	if err != nil {
		t.Errorf("deleting the Flunders: %v", err)
	}
}

// withStorage returns the sample with that storage, whose Pods drain as by default.
func withStorage(t *testing.T, storage v1alpha1.Storage) *v1alpha1.ExtensionAPI {
	t.Helper()
	extensionAPI := drainingWardle(t, sampleNamespace)
	container(&extensionAPI.Spec).Args = nil
	extensionAPI.Spec.Server.Storage = &storage
	return extensionAPI
}

// sizeOf is the size of the volume of a standalone etcd.
var sizeOf = resource.MustParse("1Gi")
