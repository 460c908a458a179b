// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// Six servers with seven further ExtensionAPIs each, one whose CA is replaced, and one whose namespace is deleted.
	sharedServers, dependentsOfEach = 6, 7
	soakedLoner, soakedDoomed       = "soak-loner", "soak-doomed"
	doomedNamespace                 = "e2e-soak-doomed"
	// soakedInterval is the interval of all probes.
	soakedInterval = 5 * time.Second
)

// soakedServer is a server of a soak, with the ExtensionAPIs that register further groups of it.
type soakedServer struct {
	host
	dependents []*v1alpha1.ExtensionAPI
	// rotation is when its certificates were last to be replaced.
	rotation *metav1.Time
}

func (s *soakedServer) all() []*v1alpha1.ExtensionAPI {
	return append([]*v1alpha1.ExtensionAPI{s.ExtensionAPI}, s.dependents...)
}

func (s *soakedServer) names() (names []string) {
	for _, extensionAPI := range s.all() {
		names = append(names, extensionAPI.Name)
	}
	return names
}

func (s *soaking) all() (all []*v1alpha1.ExtensionAPI) {
	for i := range s.servers {
		all = append(all, s.servers[i].all()...)
	}
	return all
}

func (s *soaking) names() (names []string) {
	for _, extensionAPI := range s.all() {
		names = append(names, extensionAPI.Name)
	}
	return names
}

func (s *soaking) server(name string) *soakedServer {
	i := slices.IndexFunc(s.servers, func(server soakedServer) bool { return server.Name == name })
	return &s.servers[i]
}

// startSoakedServers creates all ExtensionAPIs, and returns when they are healthy.
func startSoakedServers(t *testing.T) []soakedServer {
	t.Helper()
	createNamespace(t, doomedNamespace)
	start := time.Now()
	var servers []soakedServer
	for i := range sharedServers {
		servers = append(servers, createSoaked(t, fmt.Sprintf("soak-%d", i), dependentsOfEach))
	}
	servers = append(servers, createSoaked(t, soakedLoner, 0), createSoaked(t, soakedDoomed, 0))
	for i := range servers {
		patiently(t, calm, isHealthy(servers[i].ExtensionAPI))
		servers[i].caBundle = bundleOf(t, groupVersionOf(servers[i].ExtensionAPI))
		for _, dependent := range servers[i].dependents {
			dependent.Spec.ExistingService.CABundle = servers[i].caBundle
			createUntilCleanup(t, dependent)
		}
	}
	count := 0
	for i := range servers {
		for _, extensionAPI := range servers[i].all() {
			patiently(t, calm, isHealthy(extensionAPI))
			count++
		}
	}
	progress("%d ExtensionAPIs are healthy after %s", count, time.Since(start).Round(time.Second))
	return servers
}

// createSoaked creates an ExtensionAPI whose Pods drain as the operator's defaults let them, so that an eviction loses
// no request. Its dependents have no caBundle yet.
func createSoaked(t *testing.T, name string, dependents int) soakedServer {
	t.Helper()
	extensionAPI := faultServerAPI(name, name+".example.com", "v1")
	pod := &extensionAPI.Spec.Server.Template.Spec
	pod.TerminationGracePeriodSeconds, pod.Containers[0].Lifecycle = nil, nil
	extensionAPI.Spec.Discovery.Interval = &metav1.Duration{Duration: soakedInterval}
	if name == soakedDoomed {
		extensionAPI.Spec.Server.Namespace = doomedNamespace
	}
	server := soakedServer{host: host{ExtensionAPI: extensionAPI}}
	for i := range dependents {
		group := fmt.Sprintf("g%d.%s.example.com", i, name)
		pod.Containers[0].Args = append(pod.Containers[0].Args, "--group-version="+group+"/v1")
		dependent := server.existing(fmt.Sprintf("%s-%d", name, i), group)
		dependent.Spec.Discovery = extensionAPI.Spec.Discovery
		server.dependents = append(server.dependents, dependent)
	}
	createUntilCleanup(t, extensionAPI)
	return server
}

func groupVersionOf(extensionAPI *v1alpha1.ExtensionAPI) string {
	return "v1." + extensionAPI.Spec.Groups[0].Name
}

// mayReadWidgets lets the user of the load read all widgets.
func mayReadWidgets(t *testing.T) {
	t.Helper()
	const name = "e2e-soak"
	createObject(t, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"*"}, Resources: []string{"widgets"}, Verbs: []string{"list"}},
		},
	})
	createObject(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: userName}},
	})
}

// areHealthy succeeds when the named ExtensionAPIs are.
func (s *soaking) areHealthy(names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, name := range names {
			extensionAPI := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if err := isHealthy(extensionAPI)(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func listExtensionAPIs(ctx context.Context) (map[string]*v1alpha1.ExtensionAPI, error) {
	list := &v1alpha1.ExtensionAPIList{}
	err := kube.List(ctx, list)
	found := map[string]*v1alpha1.ExtensionAPI{}
	for i := range list.Items {
		found[list.Items[i].Name] = &list.Items[i]
	}
	return found, err
}

// nothingChanges succeeds when no ExtensionAPI has changed for a while.
func (s *soaking) nothingChanges() func(context.Context) error {
	last, since := map[string]string{}, time.Now()
	return func(ctx context.Context) error {
		found, err := listExtensionAPIs(ctx)
		if err != nil {
			return err
		}
		changed := ""
		for name, current := range found {
			if last[name] != current.ResourceVersion {
				changed, since = name, time.Now()
			}
			last[name] = current.ResourceVersion
		}
		if unchanged := time.Since(since); unchanged < unchangedFor {
			err = fmt.Errorf("nothing has changed for only %s; the last change was of %q", unchanged, changed)
		}
		return err
	}
}

// hasRotated succeeds when certificates that were to be replaced a while ago have been.
func (s *soakedServer) hasRotated(ctx context.Context) error {
	if s.rotation == nil || time.Since(s.rotation.Time) < rotated {
		return nil
	}
	current, err := currently(ctx, s.ExtensionAPI)
	if err == nil && (current.Status.Certificate == nil || current.Status.Certificate.Rotation != nil) {
		err = fmt.Errorf("the certificates of %s, to be replaced since %s, are %+v", s.Name, s.rotation,
			current.Status.Certificate)
	}
	return err
}

// pods returns the Pods of a server that are not being deleted.
func (s *soakedServer) pods(t *testing.T) (pods []corev1.Pod) {
	t.Helper()
	patiently(t, time.Minute, func(ctx context.Context) error {
		found, err := labelledPods(ctx, ownerLabel, s.Name)
		pods = slices.DeleteFunc(found, isDeleted)
		if err == nil && len(pods) == 0 {
			err = fmt.Errorf("%s has no Pod", s.Name)
		}
		return err
	})
	return pods
}

// deleteSoaked deletes ExtensionAPIs, and returns how long it took until the last was gone.
func deleteSoaked(t *testing.T, extensionAPIs []*v1alpha1.ExtensionAPI) time.Duration {
	t.Helper()
	start := time.Now()
	for _, extensionAPI := range extensionAPIs {
		patiently(t, time.Minute, func(ctx context.Context) error {
			return client.IgnoreNotFound(kube.Delete(ctx, extensionAPI.DeepCopy()))
		})
	}
	for _, extensionAPI := range extensionAPIs {
		patiently(t, calm, gone(extensionAPI))
	}
	return time.Since(start).Round(time.Second)
}
