// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/secretwatch"
)

// TestSecretWatch shows that kube-apiserver tells the operator, with its rights, of one Secret and no other.
func TestSecretWatch(t *testing.T) {
	t.Parallel()
	const name = "secret-watch"
	createNamespace(t, name)
	watched, other := &corev1.Secret{ObjectMeta: in(name, "watched")}, &corev1.Secret{ObjectMeta: in(name, "other")}
	told := startSecretWatch(t, client.ObjectKeyFromObject(watched))
	expectTold(t, told) // that there is none
	create(t, watched)
	expectTold(t, told)
	change(t, watched, func(secret *corev1.Secret) { secret.Data = map[string][]byte{"key": []byte("value")} })
	expectTold(t, told)
	deleteNow(t, watched)
	expectTold(t, told)
	create(t, other)
	select {
	case <-told:
		t.Error("told of another Secret")
	case <-time.After(forAWhile):
	}
}

// startSecretWatch watches a Secret until the end of the test.
func startSecretWatch(t *testing.T, secret client.ObjectKey) <-chan string {
	t.Helper()
	config, err := plane.operatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	watcher := secretwatch.New(metadataClient, func(extensionAPI string) { told <- extensionAPI })
	watcher.Watch("wardle", secret)
	watchCtx, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- watcher.Start(watchCtx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return told
}

func expectTold(t *testing.T, told <-chan string) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatalf("not told after %s", patience)
	}
}
