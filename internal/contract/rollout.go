// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

const (
	// requestersOfRollout send requests at the same time during a rollout, each with a pause after each request.
	requestersOfRollout = 4
	pauseOfRollout      = 100 * time.Millisecond
	// rolloutTimeout is longer than the default of a Deployment's progressDeadlineSeconds.
	rolloutTimeout  = 15 * time.Minute
	rolloutInterval = time.Second
)

// Rollout restarts a Deployment as kubectl rollout restart does, and requests discovery of group-versions that it
// serves until its last earlier Pod is gone.
func Rollout(
	ctx context.Context, cluster *connect.Cluster, clk clock.WithDelayedExecution, deployment *appsv1.Deployment,
	versions []schema.GroupVersion,
) Suite {
	t := &tester{cluster: cluster, clock: clk}
	name := client.ObjectKeyFromObject(deployment).String()
	t.run("no request fails while its Pods are replaced", func() error { return t.rollout(ctx, deployment, versions) })
	return Suite{Name: "rollout of Deployment " + name, Cases: t.cases}
}

// NoRollout is the suite of a server that cannot be restarted.
func NoRollout(service, why string) Suite {
	return Suite{Name: "rollout of Service " + service, Cases: []Case{
		{Name: "no request fails while its Pods are replaced", Status: Skipped, Detail: why},
	}}
}

func (t *tester) rollout(
	ctx context.Context, deployment *appsv1.Deployment, versions []schema.GroupVersion,
) error {
	if err := t.canRestart(ctx, deployment); err != nil {
		return err
	}
	steady, stop := context.WithCancel(ctx)
	defer stop()
	var samples []discovery.Sample
	var pending sync.WaitGroup
	pending.Go(func() { samples = t.steadily(steady, versions) })
	start := t.clock.Now()
	err := t.restart(ctx, deployment)
	if err == nil {
		err = t.awaitRollout(ctx, deployment)
	}
	stop()
	pending.Wait()
	if err != nil {
		return err
	}
	return judgeRollout(samples, t.clock.Since(start))
}

// canRestart skips a Deployment whose restart would show nothing.
func (t *tester) canRestart(ctx context.Context, deployment *appsv1.Deployment) error {
	switch complete, err := t.isComplete(ctx, deployment); {
	case apierrors.IsForbidden(err):
		return skippedError{"not permitted: " + err.Error()}
	case err != nil:
		return err
	case deployment.Spec.Paused:
		return skippedError{"the Deployment is paused"}
	case ptr.Deref(deployment.Spec.Replicas, 1) == 0:
		return skippedError{"the Deployment has no replicas"}
	case !complete:
		return skippedError{"the Deployment is not available, or another rollout goes on"}
	default:
		return nil
	}
}

// restart changes the template as kubectl rollout restart does (k8s.io/kubectl pkg/polymorphichelpers).
func (t *tester) restart(ctx context.Context, deployment *appsv1.Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	patch := fmt.Appendf(nil,
		`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`,
		t.clock.Now().Format(time.RFC3339))
	err := t.cluster.Client.Patch(ctx, deployment, client.RawPatch(types.StrategicMergePatchType, patch),
		client.FieldOwner("kubectl-extensionapi"))
	if apierrors.IsForbidden(err) {
		return skippedError{"not permitted: " + err.Error()}
	}
	return err
}

func (t *tester) awaitRollout(ctx context.Context, restarted *appsv1.Deployment) error {
	for start := t.clock.Now(); t.clock.Since(start) < rolloutTimeout; {
		if complete, err := t.isComplete(ctx, restarted); complete || err != nil {
			return err
		}
		if err := t.pause(ctx, rolloutInterval); err != nil {
			return fmt.Errorf("the rollout goes on: %w", err)
		}
	}
	return fmt.Errorf("the rollout is not complete after %s: kubectl -n %s rollout status deployment %s", rolloutTimeout,
		restarted.Namespace, restarted.Name)
}

// isComplete reports whether the new Pods are available, and none of the earlier ones is left.
func (t *tester) isComplete(ctx context.Context, restarted *appsv1.Deployment) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	current := &appsv1.Deployment{}
	if err := t.cluster.Client.Get(ctx, client.ObjectKeyFromObject(restarted), current); err != nil {
		return false, err
	}
	replicas := ptr.Deref(current.Spec.Replicas, 1)
	if !workload.IsRolledOut(current, replicas, restarted.Generation) || current.Status.AvailableReplicas < replicas {
		return false, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(current.Spec.Selector)
	if err != nil {
		return false, err
	}
	pods := &corev1.PodList{}
	err = t.cluster.Client.List(ctx, pods, client.InNamespace(current.Namespace), client.MatchingLabelsSelector{
		Selector: selector,
	})
	return err == nil && !slices.ContainsFunc(pods.Items, isTerminating), err
}

func isTerminating(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil }

// steadily requests discovery until the context ends. What that interrupts does not count.
func (t *tester) steadily(ctx context.Context, versions []schema.GroupVersion) (samples []discovery.Sample) {
	var mu sync.Mutex
	var requesters sync.WaitGroup
	for first := range requestersOfRollout {
		requesters.Go(func() {
			for next := first; ctx.Err() == nil; next += requestersOfRollout {
				key := discovery.ThroughKubeAPIServer(connect.Address, versions[next%len(versions)])
				sample := discovery.Once(ctx, t.clock, t.cluster.HTTP, key)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				samples = append(samples, sample)
				mu.Unlock()
				_ = t.pause(ctx, pauseOfRollout) // the loop ends with the context
			}
		})
	}
	requesters.Wait()
	return samples
}

// judgeRollout fails as a load does, and where nothing was answered.
func judgeRollout(samples []discovery.Sample, took time.Duration) error {
	if len(samples) == 0 {
		return errors.New("no request was answered")
	}
	measured := judgeLoad(samples)
	if noted, passed := errors.AsType[notedError](measured); passed {
		return notedError{fmt.Sprintf("%d requests in %s: %s", len(samples), took.Round(time.Second), noted.what)}
	}
	return measured
}
