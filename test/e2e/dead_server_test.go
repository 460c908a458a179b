// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const (
	// standInName is the name of the Service of the stand-in, and documentsSuffix follows the name of an ExtensionAPI.
	standInName     = "extensionapi-operator-stand-in"
	documentsSuffix = "-discovery"
	// replaceableInterval is the interval of probes of servers that die.
	replaceableInterval = 5 * time.Second
)

// serverFault is how all replicas of a server stop answering.
type serverFault struct {
	name string
	// kill stops them until revive is called.
	kill func(testing.TB, *replaceable) (revive func())
	// existing is true if the server is registered behind a Service that the operator does not own.
	existing bool
}

// replaceable is a server of the safe class: its resources cannot be deleted.
type replaceable struct {
	*v1alpha1.ExtensionAPI
	// server runs the Pods: the ExtensionAPI itself, or another one behind whose Pods a Service was made by hand.
	server *v1alpha1.ExtensionAPI
	// client reads as an administrator.
	client *http.Client
}

var serverFaults = []serverFault{
	{name: "killed", kill: always(syscall.SIGKILL)},
	{name: "hung", kill: always(syscall.SIGSTOP)},
	{name: "slow", kill: behaving(behaviour{Discovery: slow(7 * time.Second), APIs: slow(7 * time.Second)})},
	{name: "failing", kill: behaving(behaviour{
		Discovery: extensionserver.Fault{Status: http.StatusInternalServerError},
		APIs:      extensionserver.Fault{Status: http.StatusInternalServerError},
	})},
	{name: "expired", kill: behaving(behaviour{Certificate: extensionserver.Expired})},
	{name: "unserviced", kill: withoutService, existing: true},
}

// behaving makes all replicas behave so.
func behaving(fault behaviour) func(testing.TB, *replaceable) func() {
	return func(tb testing.TB, m *replaceable) func() {
		tb.Helper()
		pods, err := labelledPods(tb.Context(), ownerLabel, m.server.Name)
		if err != nil {
			tb.Fatal(err)
		}
		for _, pod := range pods {
			behave(tb, pod, fault)
		}
		return func() {
			for _, pod := range pods {
				behave(tb, pod, behaviour{})
			}
		}
	}
}

// always sends a signal to every process of the server, also to those that the kubelet starts in their place. Reviving
// replaces the Pods, which would otherwise be restarted with exponential backoff.
func always(signal syscall.Signal) func(testing.TB, *replaceable) func() {
	return func(tb testing.TB, m *replaceable) func() {
		tb.Helper()
		ctx, cancel := context.WithCancel(tb.Context())
		var signalling sync.WaitGroup
		begun := make(chan struct{})
		signalling.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				signalAll(ctx, m.server.Name, signal)
				if first {
					close(begun)
				}
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
		<-begun
		return func() {
			cancel()
			signalling.Wait()
			pods, err := labelledPods(tb.Context(), ownerLabel, m.server.Name)
			if err != nil {
				tb.Fatal(err)
			}
			for i := range pods {
				err := kube.Delete(tb.Context(), &pods[i], client.GracePeriodSeconds(0))
				if client.IgnoreNotFound(err) != nil {
					tb.Fatal(err)
				}
			}
		}
	}
}

// signalAll sends a signal to the processes of a server. One that ends meanwhile needs none.
func signalAll(ctx context.Context, name string, signal syscall.Signal) {
	pods, err := labelledPods(ctx, ownerLabel, name)
	if err != nil {
		return
	}
	for _, pod := range pods {
		for _, container := range pod.Status.ContainerStatuses {
			if process, found := findProcess(container); found && container.State.Running != nil {
				_ = syscall.Kill(process, signal)
			}
		}
	}
}

// withoutService deletes the Service that was made by hand.
func withoutService(tb testing.TB, m *replaceable) func() {
	tb.Helper()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: m.Name}}
	if err := kube.Delete(tb.Context(), service); err != nil {
		tb.Fatal(err)
	}
	return func() {
		if err := kube.Create(tb.Context(), serviceByHand(m)); err != nil {
			tb.Fatal(err)
		}
	}
}

// serviceByHand selects the Pods of another ExtensionAPI.
func serviceByHand(m *replaceable) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: m.Name},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{ownerLabel: m.server.Name},
			Ports:    []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(8443)}},
		},
	}
}

// startReplaceable creates a server. The policy is whether it may be replaced.
func startReplaceable(tb testing.TB, d serverFault, prefix string, policy v1alpha1.StandInPolicy) *replaceable {
	tb.Helper()
	name := prefix + d.name
	server := faultServerAPI(name, name+".example.com", "v1")
	server.Spec.Discovery = v1alpha1.Discovery{
		Interval: &metav1.Duration{Duration: replaceableInterval}, StandIn: policy,
	}
	m := &replaceable{ExtensionAPI: server, server: server}
	if d.existing {
		m = replaceableBehindService(name, server)
	}
	m.client = administrator(tb)
	if d.existing {
		tb.Cleanup(func() {
			err := kube.Delete(context.WithoutCancel(tb.Context()), serviceByHand(m))
			if client.IgnoreNotFound(err) != nil {
				tb.Error(err)
			}
		})
		if err := kube.Create(tb.Context(), serviceByHand(m)); err != nil {
			tb.Fatal(err)
		}
	}
	createUntilCleanup(tb, m.server)
	if d.existing {
		createUntilCleanup(tb, m.ExtensionAPI)
	}
	return m
}

// replaceableBehindService is behind a Service that was made by hand, in front of Pods that also serve another group.
func replaceableBehindService(name string, server *v1alpha1.ExtensionAPI) *replaceable {
	existing := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
	existing.Spec.Groups, existing.Spec.Discovery = server.Spec.Groups, server.Spec.Discovery
	existing.Spec.ExistingService = &v1alpha1.ExistingService{
		Namespace: sampleNamespace, Name: name, Port: 443, CABundleFrom: &v1alpha1.CABundleSource{
			SecretRef: &v1alpha1.CABundleKeyReference{Name: name + "-pods-serving-cert", Key: "ca.crt"},
		},
	}
	server.Name = name + "-pods"
	server.Spec.Groups = []v1alpha1.APIGroup{{
		Name: "pods." + existing.Spec.Groups[0].Name, Versions: []v1alpha1.APIVersion{{Name: "v1"}},
	}}
	container := container(&server.Spec)
	container.Args = append(container.Args, "--group-version="+server.Spec.Groups[0].Name+"/v1")
	server.Spec.Server.Certificates = &v1alpha1.Certificates{Managed: &v1alpha1.ManagedCertificates{
		DNSNames: []string{name + "." + sampleNamespace + ".svc"},
	}}
	return &replaceable{ExtensionAPI: existing, server: server}
}

func (m *replaceable) apiService(ctx context.Context) (*apiregistrationv1.APIService, error) {
	found := &apiregistrationv1.APIService{}
	return found, kube.Get(ctx, client.ObjectKey{Name: "v1." + m.Spec.Groups[0].Name}, found)
}

// canBeReplaced succeeds when the discovery is stored, and the server is healthy.
func (m *replaceable) canBeReplaced(ctx context.Context) error {
	if err := ready(m.ExtensionAPI)(ctx); err != nil {
		return err
	}
	if m.Spec.Discovery.StandIn == v1alpha1.StandInNever {
		return nil
	}
	key := client.ObjectKey{Namespace: operatorNamespace, Name: m.Name + documentsSuffix}
	return kube.Get(ctx, key, &corev1.ConfigMap{})
}

// isReplaced succeeds when the stand-in serves discovery, and kube-apiserver reports it available.
func (m *replaceable) isReplaced(ctx context.Context) error {
	return m.leadsTo(ctx, standInName)
}

// isBack succeeds when the APIService leads to the server, and an object is served.
func (m *replaceable) isBack(ctx context.Context) error {
	name := m.Name
	if m.Spec.ExistingService != nil {
		name = m.Spec.ExistingService.Name
	}
	if err := m.leadsTo(ctx, name); err != nil {
		return err
	}
	return exchange(ctx, m.client, http.MethodGet, userConfig.Host+m.objectPath(), "")
}

func (m *replaceable) objectPath() string { return "/apis/" + m.Spec.Groups[0].Name + "/v1/widgets" }

func (m *replaceable) leadsTo(ctx context.Context, service string) error {
	found, err := m.apiService(ctx)
	if err != nil {
		return err
	}
	if got := found.Spec.Service.Name; got != service {
		return fmt.Errorf("%s leads to %s, want %s", found.Name, got, service)
	}
	for _, condition := range found.Status.Conditions {
		if condition.Type == apiregistrationv1.Available && condition.Status == apiregistrationv1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("%s is not available: %+v", found.Name, found.Status.Conditions)
}

// unaffected succeeds when what depends on the discovery of the whole cluster works: a new namespace can be deleted,
// and discovery, Helm and kubectl apply succeed.
func unaffected(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-unaffected-"}}
	if err := kube.Create(ctx, namespace); err != nil {
		return err
	}
	commands := [][]string{
		{"kubectl", "api-resources", "--cached=false"},
		{"bin/tools/helm", "install", "unrelated", "test/e2e/testdata/unrelated", "--namespace", namespace.Name},
		{"kubectl", "apply", "--filename", "test/e2e/testdata/unrelated.yaml"},
	}
	for _, command := range commands {
		if _, err := output(ctx, command[0], command[1:]...); err != nil {
			return err
		}
	}
	if err := kube.Delete(ctx, namespace); err != nil {
		return err
	}
	_, err := poll(ctx, time.Minute, func(ctx context.Context) error {
		err := kube.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		if err == nil {
			return fmt.Errorf("namespace %s is still there: %+v", namespace.Name, namespace.Status.Conditions)
		}
		return client.IgnoreNotFound(err)
	})
	return err
}

// TestClusterDoesNotNoticeDeadServers has six servers stop answering, each in another way, at the same time.
func TestClusterDoesNotNoticeDeadServers(t *testing.T) {
	t.Cleanup(func() {
		_, err := output(context.WithoutCancel(t.Context()), "kubectl", "delete", "--ignore-not-found",
			"--filename", "test/e2e/testdata/unrelated.yaml")
		if err != nil {
			t.Error(err)
		}
	})
	servers := make([]*replaceable, len(serverFaults))
	for i, d := range serverFaults {
		servers[i] = startReplaceable(t, d, "dead-", v1alpha1.StandInAutomatic)
	}
	for _, m := range servers {
		eventually(t, time.Minute, m.canBeReplaced)
	}
	var readers []*reader
	revivals := make([]func(), len(serverFaults))
	for i, d := range serverFaults {
		revivals[i] = d.kill(t, servers[i])
		readers = append(readers, startReader(t, servers[i]))
	}
	for i, d := range serverFaults {
		// Each took at least so long: they are awaited one after the other.
		took := eventually(t, 2*time.Minute, servers[i].isReplaced)
		progress("%s: replaced after another %s", d.name, took)
	}
	for range 5 {
		start := time.Now()
		if err := unaffected(t.Context()); err != nil {
			t.Fatal(err)
		}
		progress("a namespace with a Helm release was created and deleted in %s", time.Since(start).Round(time.Millisecond))
	}
	for i := range serverFaults {
		if err := servers[i].isReplaced(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for i, d := range serverFaults {
		readers[i].discovers(t)
		revivals[i]()
		took := eventually(t, time.Minute, servers[i].isBack)
		progress("%s: back after %s", d.name, took)
	}
	for i, d := range serverFaults {
		eventually(t, time.Minute, ready(servers[i].ExtensionAPI))
		eventually(t, time.Minute, readers[i].hasRead(50))
		readers[i].end(t, d.name)
	}
}

// reader reads an object, and discovery, ten times a second each.
type reader struct {
	stop    context.CancelFunc
	reading sync.WaitGroup

	mu sync.Mutex
	// watching is true once discovery has to be answered.
	watching bool
	// discoveries and undiscovered count requests for discovery since then, and those that failed.
	discoveries, undiscovered int
	// reads are those since the first that succeeded, and failed are those of them that failed, with the last error.
	reads, failed int
	failure       error
}

func startReader(t *testing.T, m *replaceable) *reader {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &reader{stop: stop}
	r.reading.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				r.reading.Go(func() { r.read(context.WithoutCancel(ctx), m) })
			}
		}
	})
	return r
}

func (r *reader) read(ctx context.Context, m *replaceable) {
	discovered := exchange(ctx, m.client, http.MethodGet, userConfig.Host+"/apis/"+m.Spec.Groups[0].Name+"/v1", "")
	object := exchange(ctx, m.client, http.MethodGet, userConfig.Host+m.objectPath(), "")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watching {
		r.discoveries++
	}
	if r.watching && discovered != nil {
		r.undiscovered++
		r.failure = discovered
	}
	if object == nil || r.reads > 0 {
		r.reads++
	}
	if object != nil && r.reads > 0 {
		r.failed++
		r.failure = object
	}
}

// discovers begins to count: from now on, discovery is answered, and objects are not read until the server is back.
func (r *reader) discovers(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching, r.reads, r.failed, r.failure = true, 0, 0, nil
}

// hasRead succeeds when so many objects were requested since the server is back.
func (r *reader) hasRead(times int) func(context.Context) error {
	return func(context.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.reads < times {
			return fmt.Errorf("%d objects were requested, want %d", r.reads, times)
		}
		return nil
	}
}

// end expects no failure since the server is back.
func (r *reader) end(t *testing.T, name string) {
	t.Helper()
	r.stop()
	r.reading.Wait()
	progress("%s: since its recovery, %d of %d requests for discovery failed; since the first object was served, "+
		"%d of %d for objects", name, r.undiscovered, r.discoveries, r.failed, r.reads)
	if r.undiscovered > 0 || r.failed > 0 || r.reads == 0 {
		t.Errorf("%s: requests failed that should not: %v", name, r.failure)
	}
}

// administrator returns a client whose requests time out like those of the load.
func administrator(tb testing.TB) *http.Client {
	tb.Helper()
	config := rest.CopyConfig(userConfig)
	config.Impersonate, config.Timeout = rest.ImpersonationConfig{}, loadTimeout
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(httpClient.CloseIdleConnections)
	return httpClient
}

// TestKilledOperatorSwitchesToTheRightServer kills the operator while it leads an APIService to the stand-in, and back.
func TestKilledOperatorSwitchesToTheRightServer(t *testing.T) {
	random := newRandom(t)
	m := startReplaceable(t, serverFault{name: "switched", existing: true}, "killed-", v1alpha1.StandInAutomatic)
	eventually(t, time.Minute, m.canBeReplaced)
	choose := func(value string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			service := serviceByHand(m)
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"selector":{%q:%q}}}`, ownerLabel, value))
			if err := kube.Patch(t.Context(), service, patch); err != nil {
				t.Fatal(err)
			}
		}
	}
	stages := []*stage{
		{name: "the switch to the stand-in", start: choose("nothing"), done: m.isReplaced},
		{name: "the switch to the server", start: choose(m.server.Name), done: m.isBack},
	}
	for _, stage := range stages {
		stage.start(t)
		stage.takes = eventually(t, time.Minute, stage.done)
		t.Logf("without kills, %s takes %s", stage.name, stage.takes)
	}
	times := kills
	if testing.Short() {
		times = 4
	}
	for i := range times {
		m.forgetSwitches(t)
		killIn(t, random, i, stages[i%len(stages)])
	}
}

// forgetSwitches ends the pause before the next switch.
func (m *replaceable) forgetSwitches(t *testing.T) {
	t.Helper()
	_, err := output(t.Context(), "kubectl", "patch", "xapi", m.Name, "--subresource", "status", "--type", "merge",
		"--patch", `{"status":{"standIn":{"switches":1}}}`)
	if err != nil {
		t.Fatal(err)
	}
}
