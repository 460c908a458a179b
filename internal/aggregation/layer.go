// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// RetryAfter is how long a Configuration that is not good is cached.
	RetryAfter = 10 * time.Second
	// goodFor is how long a good Configuration is cached.
	goodFor = time.Minute
	// layerTimeout bounds a check, as reconciliation waits for it.
	layerTimeout = 5 * time.Second
)

// trustConfigMap is where the kube-apiservers publish how extension API servers authenticate them (k8s.io/kubernetes
// pkg/controlplane/controller/clusterauthenticationtrust). It does not exist while they have nothing to publish.
var trustConfigMap = types.NamespacedName{
	Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication",
}

// Layer checks on demand whether the cluster's aggregation layer is configured.
type Layer struct {
	clients clientsOf
	reader  client.Reader
	clock   clock.PassiveClock

	// mu is held during a check, so that concurrent callers share the result.
	mu        sync.Mutex
	last      Configuration
	checkedAt time.Time
}

// NewLayer returns a Layer that reads a ConfigMap from reader. A cached reader would have to list and watch ConfigMaps.
func NewLayer(servers *KubeAPIServers, reader client.Reader, clk clock.PassiveClock) *Layer {
	return &Layer{clients: servers.Clients, reader: reader, clock: clk}
}

// Configuration returns a result that is at most a minute old, or RetryAfter if it is not good. A check takes up
// to 5 seconds.
func (l *Layer) Configuration(ctx context.Context) Configuration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.checkedAt.IsZero() && l.clock.Since(l.checkedAt) < l.last.rememberedFor() {
		return l.last
	}
	current := l.check(ctx)
	if len(current.Unknown) > 0 && !slices.Equal(current.Unknown, l.last.Unknown) {
		ctrl.LoggerFrom(ctx).Info("cannot determine whether the aggregation layer is configured, assuming that it is",
			"reasons", current.Unknown)
	}
	l.last, l.checkedAt = current, l.clock.Now()
	return current
}

func (l *Layer) check(ctx context.Context) Configuration {
	ctx, cancel := context.WithTimeout(ctx, layerTimeout)
	defer cancel()
	// The ConfigMap first, as it does not depend on every kube-apiserver.
	return l.trust(ctx).and(configurationOf(queryAll(ctx, l.clients, hasProxyCertificate)))
}

// hasProxyCertificate reports whether a kube-apiserver has a client certificate for extension API servers.
func hasProxyCertificate(ctx context.Context, httpClient *http.Client, address string) (bool, error) {
	// A kube-apiserver that is not ready lists its checks, too.
	return get(ctx, httpClient, address, "/readyz?verbose", http.Header{}, readProxyCertificate)
}

// trust checks whether extension API servers can read how to authenticate kube-apiserver.
func (l *Layer) trust(ctx context.Context) Configuration {
	configMap := &corev1.ConfigMap{}
	if err := l.reader.Get(ctx, trustConfigMap, configMap); client.IgnoreNotFound(err) != nil {
		return Configuration{Unknown: []string{fmt.Sprintf("reading ConfigMap %s: %v", trustConfigMap, err)}}
	}
	return Configuration{Missing: missingTrust(configMap.Data), TrustChanged: trustChanged(configMap)}
}
