// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const kills = 20

// stage is work during which the operator is killed.
type stage struct {
	name string
	// start requests the work from the operator, done succeeds when it is complete and correct.
	start func(*testing.T)
	done  func(context.Context) error
	// takes is how long the work takes if the operator is not killed.
	takes time.Duration
}

func TestKilledOperatorFinishesItsWork(t *testing.T) {
	random := newRandom(t)
	before := newInventory(t)
	extensionAPI := &v1alpha1.ExtensionAPI{}
	t.Cleanup(func() { cleanUp(t, extensionAPI) })
	stages := []*stage{
		{
			name: "create",
			start: func(t *testing.T) {
				t.Helper()
				*extensionAPI = *wardle(t, sampleNamespace)
				if err := kube.Create(t.Context(), extensionAPI); err != nil {
					t.Fatal(err)
				}
			},
			done: runs(extensionAPI),
		},
		{
			name: "update",
			start: func(t *testing.T) {
				t.Helper()
				change(t, extensionAPI, rearrange)
			},
			done: runs(extensionAPI),
		},
		{
			name: "delete",
			start: func(t *testing.T) {
				t.Helper()
				if err := kube.Delete(t.Context(), extensionAPI); err != nil {
					t.Fatal(err)
				}
			},
			done: func(ctx context.Context) error { return errors.Join(gone(extensionAPI)(ctx), before.sameAs(ctx)) },
		},
	}
	for _, stage := range stages {
		stage.start(t)
		stage.takes = eventually(t, time.Minute, stage.done)
		t.Logf("without kills, %s takes %s", stage.name, stage.takes)
	}
	for i := range kills {
		killIn(t, random, i, stages[i%len(stages)])
	}
}

// killIn starts the work of a stage, kills one or both replicas of the operator meanwhile, and waits for its end.
func killIn(t *testing.T, random *rand.Rand, i int, stage *stage) {
	t.Helper()
	pods := victims(t)
	// Squaring favours early moments, when most objects are written.
	moment := time.Duration(math.Pow(random.Float64(), 2) * float64(stage.takes))
	doomed := pods[:1+random.IntN(len(pods))]
	stage.start(t)
	select {
	case <-t.Context().Done():
	case <-time.After(moment):
	}
	kill(t, doomed)
	took := eventually(t, 2*time.Minute, stage.done)
	t.Logf("kill %d in %s after %s (%d of 2 replicas): complete and correct another %s later",
		i+1, stage.name, moment.Round(time.Millisecond), len(doomed), took)
}

// newRandom returns a generator that is seeded with E2E_SEED, to reproduce a run, or else with the time.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("E2E_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("E2E_SEED: %v", err)
		}
	}
	t.Logf("to kill at the same times again: E2E_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// rearrange changes the Pods, the number of replicas, and the versions.
func rearrange(spec *v1alpha1.ExtensionAPISpec) {
	container(spec).Args = append(container(spec).Args, "--v=1")
	spec.Server.Replicas = ptr.To[int32](1)
	spec.Groups[0].Versions = spec.Groups[0].Versions[:1]
}

// runs succeeds when exactly what the spec requires is served.
func runs(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := ready(extensionAPI)(ctx); err != nil {
			return err
		}
		versions := extensionAPI.Spec.Groups[0].Versions
		if err := served(versions[0].Name)(ctx); err != nil {
			return err
		}
		pods := &corev1.PodList{}
		if err := kube.List(ctx, pods, client.InNamespace(sampleNamespace), client.HasLabels{ownerLabel}); err != nil {
			return err
		}
		if int32(len(pods.Items)) != *extensionAPI.Spec.Server.Replicas {
			return fmt.Errorf("there are %d Pods", len(pods.Items))
		}
		if len(versions) == 1 {
			return notServed("v1alpha1")(ctx)
		}
		return served("v1alpha1")(ctx)
	}
}

// victims returns the operator's Pods, the leader first, once all of them run.
func victims(t *testing.T) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	eventually(t, time.Minute, func(ctx context.Context) error {
		lease := &coordinationv1.Lease{}
		err := kube.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}, lease)
		if err != nil {
			return err
		}
		if pods, err = operatorPods(ctx); err != nil {
			return err
		}
		leads := func(pod corev1.Pod) bool {
			return strings.HasPrefix(ptr.Deref(lease.Spec.HolderIdentity, ""), pod.Name+"_")
		}
		slices.SortFunc(pods, func(a, _ corev1.Pod) int { return map[bool]int{true: -1, false: 1}[leads(a)] })
		if len(pods) != 2 || !leads(pods[0]) || !running(pods[0]) || !running(pods[1]) {
			return errors.New("the operator does not have two running Pods, one of which leads")
		}
		return nil
	})
	return pods
}

func killProcess(t *testing.T, pod corev1.Pod) {
	t.Helper()
	if err := syscall.Kill(processOf(t, pod.Status.ContainerStatuses[0]), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func running(pod corev1.Pod) bool {
	statuses := pod.Status.ContainerStatuses
	return pod.DeletionTimestamp == nil && len(statuses) == 1 && statuses[0].State.Running != nil
}

// kill sends SIGKILL to the operator's processes. The Pods are replaced, because the kubelet would restart them with
// exponential backoff, and the Lease is released, because it would outlive its holder by 20 seconds.
func kill(t *testing.T, pods []corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		killProcess(t, pod)
	}
	for _, pod := range pods {
		if err := kube.Delete(t.Context(), &pod, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: operatorName}}
	if err := kube.Delete(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
}

// processOf is findProcess for a container that must have one.
func processOf(tb testing.TB, container corev1.ContainerStatus) int {
	tb.Helper()
	pid, found := findProcess(container)
	if !found {
		tb.Fatalf("found no process of container %v", container)
	}
	return pid
}

// findProcess finds the process of a container among the machine's own, by its cgroup.
func findProcess(container corev1.ContainerStatus) (pid int, found bool) {
	_, id, found := strings.Cut(container.ContainerID, "containerd://")
	if !found || id == "" {
		return 0, false
	}
	cgroups, _ := filepath.Glob("/proc/[0-9]*/cgroup") // the pattern is valid
	for _, file := range cgroups {
		content, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(content), "/"+id+"\n") {
			continue // another process, or one that has terminated
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		return pid, err == nil
	}
	return 0, false
}
