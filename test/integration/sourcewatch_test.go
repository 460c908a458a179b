// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/sourcewatch"
)

// TestSourceWatch checks that the operator, with its permissions, is notified of changes of one Secret and no other.
func TestSourceWatch(t *testing.T) {
	t.Parallel()
	const name = "secret-watch"
	createNamespace(t, name)
	watched, other := &corev1.Secret{ObjectMeta: in(name, "watched")}, &corev1.Secret{ObjectMeta: in(name, "other")}
	notified := startSecretWatch(t, client.ObjectKeyFromObject(watched))
	expectNotified(t, notified) // that the Secret does not exist
	create(t, watched)
	expectNotified(t, notified)
	change(t, watched, func(secret *corev1.Secret) { secret.Data = map[string][]byte{"key": []byte("value")} })
	expectNotified(t, notified)
	deleteNow(t, watched)
	expectNotified(t, notified)
	create(t, other)
	select {
	case <-notified:
		t.Error("notified of another Secret")
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
	notified := make(chan string, 100)
	watcher := sourcewatch.New(metadataClient, func(extensionAPI string) { notified <- extensionAPI })
	watcher.Watch("wardle", manifests.SecretSource(secret.Namespace, secret.Name))
	watchCtx, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- watcher.Start(watchCtx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return notified
}

func expectNotified(t *testing.T, notified <-chan string) {
	t.Helper()
	select {
	case <-notified:
	case <-time.After(patience):
		t.Fatalf("not notified after %s", patience)
	}
}
