// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

const (
	// kubeAPIServersVariable makes hack/demo.sh start a cluster with so many kube-apiservers.
	kubeAPIServersVariable = "KUBE_APISERVERS"
	// firstKubeAPIServerGroup precedes the group IDs of the kube-apiservers (hack/cluster/components.go).
	firstKubeAPIServerGroup = 64430
	// throughEach is the number of turns per second through each of several kube-apiservers.
	throughEach = 20
	// forgotten is how long the Service default/kubernetes may keep a kube-apiserver that hangs: its lease expires after
	// 15 s, and the others look at it every 10 s (k8s.io/kubernetes pkg/controlplane).
	forgotten = time.Minute
)

// kubeAPIServer is one of several kube-apiservers.
type kubeAPIServer struct {
	// number counts from 1.
	number int
	// address is host:port, as the operator reports it.
	address string
}

// eachKubeAPIServer returns the kube-apiservers of the cluster, and skips the test where there is only one: 'make e2e'
// runs these tests on a cluster of their own.
func eachKubeAPIServer(t *testing.T) []kubeAPIServer {
	t.Helper()
	count, _ := strconv.Atoi(os.Getenv(kubeAPIServersVariable)) // 0 where it is not set
	if count < 2 {
		t.Skipf("%s is not set: there is one kube-apiserver", kubeAPIServersVariable)
	}
	eventually(t, forgotten, areEndpoints(count))
	var servers []kubeAPIServer
	for i, address := range endpointsOfKubeAPIServers(t) {
		servers = append(servers, kubeAPIServer{i + 1, address})
	}
	return servers
}

func areEndpoints(count int) func(context.Context) error {
	return func(ctx context.Context) error {
		found, err := addressesOfKubeAPIServers(ctx)
		if err == nil && len(found) != count {
			err = fmt.Errorf("the Service default/kubernetes has the endpoints %q, want %d", found, count)
		}
		return err
	}
}

func endpointsOfKubeAPIServers(t *testing.T) []string {
	t.Helper()
	found, err := addressesOfKubeAPIServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// addressesOfKubeAPIServers returns the addresses behind the Service default/kubernetes, ordered by their number.
func addressesOfKubeAPIServers(ctx context.Context) (addresses []string, err error) {
	found, err := endpoints.List(ctx, kube, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "kubernetes"})
	for _, endpoint := range endpoints.Ready(found, "https") {
		addresses = append(addresses, endpoint.Address)
	}
	return addresses, err
}

// order runs a command of hack/cluster for this kube-apiserver, with flags of the command, and flags of the
// kube-apiserver itself.
func (s kubeAPIServer) order(t *testing.T, command string, flags []string, own ...string) {
	t.Helper()
	args := append([]string{"run", "-C", "hack/cluster", ".", command, "--name", os.Getenv("CLUSTER_NAME")}, flags...)
	args = append(append(args, "kube-apiserver", strconv.Itoa(s.number)), own...)
	if _, err := output(context.WithoutCancel(t.Context()), "go", args...); err != nil { // also to clean up
		t.Fatal(err)
	}
}

// others returns the kube-apiservers except one.
func others(servers []kubeAPIServer, except kubeAPIServer) []kubeAPIServer {
	return slices.DeleteFunc(slices.Clone(servers), func(s kubeAPIServer) bool { return s == except })
}

// serves succeeds when the kube-apiserver proxies requests of an ordinary user to a path.
func (s kubeAPIServer) serves(t *testing.T, path string) func(context.Context) error {
	t.Helper()
	httpClient := loadClients(t)[0]
	return func(ctx context.Context) error {
		if err := exchange(ctx, httpClient, http.MethodGet, "https://"+s.address+path, ""); err != nil {
			return fmt.Errorf("kube-apiserver %d: %w", s.number, err)
		}
		return nil
	}
}

const (
	// dividedName is that of an ExtensionAPI that not all kube-apiservers serve equally.
	dividedName  = "divided"
	dividedGroup = dividedName + ".example.com"
)

// What users read.
var (
	flunderReads = []string{
		"/apis/" + flunderGroup + "/v1beta1", "/apis/" + flunderGroup + "/v1alpha1/namespaces/default/flunders",
		"/apis/" + flunderGroup + "/v1alpha1", "/apis/" + flunderGroup + "/v1beta1/namespaces/default/flunders",
	}
	dividedReads = []string{"/apis/" + dividedGroup + "/v1", "/apis/" + dividedGroup + "/v1/widgets"}
)

// loads are loads through several kube-apiservers, by their numbers.
type loads map[int]*load

// readThrough starts to read through each of the kube-apiservers.
func readThrough(t *testing.T, servers []kubeAPIServer, paths ...string) loads {
	t.Helper()
	return loadThrough(t, servers, func(l *load) func(context.Context, int) {
		return func(ctx context.Context, turn int) {
			l.send(ctx, l.clients[turn%len(l.clients)], http.MethodGet, paths[turn%len(paths)], "")
		}
	})
}

// useThrough starts to use Flunders through each of the kube-apiservers.
func useThrough(t *testing.T, servers []kubeAPIServer) loads {
	t.Helper()
	object := createLoadObject(t)
	return loadThrough(t, servers, func(l *load) func(context.Context, int) {
		l.object = object
		return l.useFlunders
	})
}

func loadThrough(
	t *testing.T, servers []kubeAPIServer, turns func(*load) func(ctx context.Context, turn int),
) loads {
	t.Helper()
	started := loads{}
	for _, server := range servers {
		l := newLoad(t, throughEach)
		l.what += fmt.Sprintf(" through kube-apiserver %d", server.number)
		l.address = "https://" + server.address
		l.take = turns(l)
		l.begin(t)
		started[server.number] = l
	}
	return started
}

// sharedFailure is how kube-apiserver answers where another one has reported the APIService unavailable.
const sharedFailure = "GET: 503 Service Unavailable: service unavailable"

// mustLoseNothing ends the loads, and fails the test if any request has failed.
func (l loads) mustLoseNothing(t *testing.T) {
	t.Helper()
	l.mustLose(t, false)
}

// mustLose ends the loads, and fails the test if any request has failed, except for the shared failure.
func (l loads) mustLose(t *testing.T, shared bool) {
	t.Helper()
	for number, load := range l {
		failed := load.end(t)
		if shared && load.failures[sharedFailure] != nil {
			failed -= load.failures[sharedFailure].count
		}
		if failed > 0 {
			t.Errorf("%d of %d requests through kube-apiserver %d failed", failed, load.requests, number)
		}
	}
}

// areSteady succeeds when none of the loads has had a failure recently.
func (l loads) areSteady(ctx context.Context) error {
	var errs []error
	for _, load := range l {
		errs = append(errs, load.isSteady(ctx))
	}
	return errors.Join(errs...)
}

// cutOffFrom drops the packets of the kube-apiserver to a Service.
func (s kubeAPIServer) cutOffFrom(t *testing.T, service string) (lift func()) {
	t.Helper()
	found := &corev1.Service{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: sampleNamespace, Name: service}, found); err != nil {
		t.Fatal(err)
	}
	return block(t, fmt.Sprintf("%s_%d", service, s.number), sentByNode,
		fmt.Sprintf("meta skgid %d ip daddr %s", firstKubeAPIServerGroup+s.number, found.Spec.ClusterIP))
}

// inNode returns the path in the node of a file in the cluster's directory.
func inNode(file string) string { return filepath.Join("/run/cluster", file) }
