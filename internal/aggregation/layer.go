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
	// AskedAgainAfter is how long a Configuration that is not good is remembered.
	AskedAgainAfter = 10 * time.Second
	// goodFor is how long a good one is.
	goodFor = time.Minute
	// layerTimeout bounds asking, for which a reconciliation waits.
	layerTimeout = 5 * time.Second
)

// trustConfigMap is where all kube-apiservers together say by what extension API servers know them (k8s.io/kubernetes
// pkg/controlplane/controller/clusterauthenticationtrust). There is none while they have nothing to say.
var trustConfigMap = types.NamespacedName{
	Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication",
}

// Layer finds out whether the cluster's aggregation layer is configured. It asks only when it is asked.
type Layer struct {
	clients clientsOf
	reader  client.Reader
	clock   clock.PassiveClock

	// mu is held while asking, so that those who come meanwhile share the answer.
	mu    sync.Mutex
	last  Configuration
	asked time.Time
}

// NewLayer returns a Layer that reads a ConfigMap from reader. A cache would have to list and watch for it.
func NewLayer(servers *KubeAPIServers, reader client.Reader, clk clock.PassiveClock) *Layer {
	return &Layer{clients: servers.Clients, reader: reader, clock: clk}
}

// Configuration returns what was found out a minute ago at most, or AskedAgainAfter ago when that was not good. To find
// it out takes up to 5 seconds.
func (l *Layer) Configuration(ctx context.Context) Configuration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.asked.IsZero() && l.clock.Since(l.asked) < l.last.rememberedFor() {
		return l.last
	}
	current := l.ask(ctx)
	if len(current.Unknown) > 0 && !slices.Equal(current.Unknown, l.last.Unknown) {
		ctrl.LoggerFrom(ctx).Info("cannot tell whether the aggregation layer is configured, and goes on as if it were",
			"reasons", current.Unknown)
	}
	l.last, l.asked = current, l.clock.Now()
	return current
}

func (l *Layer) ask(ctx context.Context) Configuration {
	ctx, cancel := context.WithTimeout(ctx, layerTimeout)
	defer cancel()
	// First what does not wait for each of them.
	return l.trust(ctx).and(configurationOf(askAll(ctx, l.clients, hasIdentity)))
}

// hasIdentity tells whether a kube-apiserver has a certificate with which it shows itself to extension API servers.
func hasIdentity(ctx context.Context, httpClient *http.Client, address string) (bool, error) {
	// One that is not ready lists its checks, too.
	return get(ctx, httpClient, address, "/readyz?verbose", http.Header{}, readIdentity)
}

// trust looks whether extension API servers are told by what they know kube-apiserver.
func (l *Layer) trust(ctx context.Context) Configuration {
	configMap := &corev1.ConfigMap{}
	if err := l.reader.Get(ctx, trustConfigMap, configMap); client.IgnoreNotFound(err) != nil {
		return Configuration{Unknown: []string{fmt.Sprintf("reading ConfigMap %s: %v", trustConfigMap, err)}}
	}
	return Configuration{Missing: missingTrust(configMap.Data)}
}
