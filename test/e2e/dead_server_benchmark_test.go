// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// unnoticed is how long the deletion of an empty namespace may take to count as not affected.
	unnoticed = 10 * time.Second
	// deadFor is how long namespaces are deleted while a server is dead, from deadAfter on: the threshold of failures, and
	// 15 seconds.
	deadFor   = 45 * time.Second
	deadAfter = v1alpha1.DefaultFailureThreshold*replaceableInterval + 15*time.Second
)

// BenchmarkDeadServer has servers stop answering, with and without the stand-in, and counts the namespaces whose
// deletion does not notice.
func BenchmarkDeadServer(b *testing.B) {
	for _, d := range serverFaults {
		for _, policy := range []v1alpha1.StandInPolicy{v1alpha1.StandInNever, v1alpha1.StandInAutomatic} {
			b.Run(fmt.Sprintf("%s/%s", d.name, policy), func(b *testing.B) {
				for b.Loop() {
					m := startReplaceable(b, d, "bench-", policy)
					eventually(b, 2*time.Minute, m.canBeReplaced)
					revive := d.kill(b, m)
					pause(b, deadAfter)
					deleted, all := deleteNamespaces(b)
					revive()
					back := eventually(b, 5*time.Minute, m.isBack)
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(deleted), "unnoticed")
					b.ReportMetric(float64(all), "namespaces")
					b.ReportMetric(back.Seconds(), "s-until-back")
					progress("%s, stand-in %s: %d of %d namespaces were deleted within %s; back after %s", d.name, policy, deleted,
						all, unnoticed, back)
				}
			})
		}
	}
}

func pause(tb testing.TB, duration time.Duration) {
	tb.Helper()
	select {
	case <-tb.Context().Done():
		tb.Fatal(tb.Context().Err())
	case <-time.After(duration):
	}
}

// deleteNamespaces creates and deletes one empty namespace after the other for deadFor.
func deleteNamespaces(b *testing.B) (deleted, all int) {
	b.Helper()
	for start := time.Now(); time.Since(start) < deadFor; all++ {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-unaffected-"}}
		if err := kube.Create(b.Context(), namespace); err != nil {
			b.Fatal(err)
		}
		if err := kube.Delete(b.Context(), namespace); err != nil {
			b.Fatal(err)
		}
		_, err := poll(b.Context(), unnoticed, func(ctx context.Context) error {
			if err := kube.Get(ctx, client.ObjectKeyFromObject(namespace), namespace); err != nil {
				return client.IgnoreNotFound(err)
			}
			return fmt.Errorf("namespace %s is still there", namespace.Name)
		})
		if err == nil {
			deleted++
		}
	}
	return deleted, all
}
