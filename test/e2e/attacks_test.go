// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// bombed is how long a server sends bombs: about ten rounds of probes, in each of which an operator that reads them
// would be killed.
const bombed = 20 * time.Second

func TestHostileServerAffectsNoOtherAPI(t *testing.T) {
	bystander, hostile := singleFaultServer(t, "e2e-bystander", "v1"), singleFaultServer(t, "e2e-bomb", "v1")
	for _, server := range []*v1alpha1.ExtensionAPI{bystander, hostile} {
		eventually(t, time.Minute, isHealthy(server))
	}
	operators, before := restarts(t), readySince(t, bystander)
	pods, err := labelledPods(t.Context(), ownerLabel, hostile.Name)
	if err != nil {
		t.Fatal(err)
	}

	bomb := extensionserver.Fault{Body: extensionserver.GzipBomb}
	// kube-apiserver, which has no memory limit here, reads GET /apis completely.
	for _, behaviour := range []behaviour{
		{Discovery: bomb, OpenAPI: bomb}, {Discovery: bomb, APIs: bomb, OpenAPI: bomb, For: extensionserver.Direct},
	} {
		behave(t, pods[0], behaviour)
		eventually(t, time.Minute, isReportedAsFailing(hostile))
		stays(t, bombed, isHealthy(bystander))
	}
	// The objects of the server are counted before its APIService is deleted, which a bomb must not delay.
	behave(t, pods[0], behaviour{Discovery: bomb, OpenAPI: bomb})
	if err := remove(t.Context(), hostile); err != nil {
		t.Error(err)
	}
	if now := restarts(t); !slices.Equal(now, operators) {
		t.Errorf("the operator's Pods were %q before and are %q now", operators, now)
	}
	if since := readySince(t, bystander); since != before {
		t.Errorf("%s was Ready since %s before, and is Ready since %s now", bystander.Name, before, since)
	}
}

// isReportedAsFailing succeeds when DiscoveryWithinLimit is False because of the server's responses.
func isReportedAsFailing(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err == nil && conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit).Status != metav1.ConditionFalse {
			err = fmt.Errorf("no failure is reported: %s", describe(current))
		}
		return err
	}
}

// restarts returns the operator's Pods, each with its number of restarts.
func restarts(tb testing.TB) []string {
	tb.Helper()
	pods, err := operatorPods(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var found []string
	for _, pod := range pods {
		found = append(found, fmt.Sprintf("%s restarted %d times", pod.Name, pod.Status.ContainerStatuses[0].RestartCount))
	}
	slices.Sort(found)
	return found
}

func readySince(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) string {
	tb.Helper()
	current, err := currently(tb.Context(), extensionAPI)
	if err != nil {
		tb.Fatal(err)
	}
	return conditionOf(current, v1alpha1.ConditionReady).LastTransitionTime.String()
}

// TestTenantCannotTakeOverAnAPIService simulates a user who may only create APIServices, orphans the ExtensionAPI of
// another user, and creates one of the same name.
func TestTenantCannotTakeOverAnAPIService(t *testing.T) {
	const name, group, other = "e2e-victim", "victim.example.com", "attacker.example.com"
	host := startHost(t, "e2e-victims-server", group, other)
	tenant := newTenant(t, "e2e-tenant")
	for _, attack := range []struct{ what, group string }{
		{"with another group", other}, {"with the same group and another Service", group},
	} {
		t.Run(attack.what, func(t *testing.T) {
			victim := host.existing(name, group)
			createUntilCleanup(t, victim)
			eventually(t, time.Minute, ready(victim))
			apiService := &apiregistrationv1.APIService{}
			key := client.ObjectKey{Name: "v1." + group}
			if err := kube.Get(t.Context(), key, apiService); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { deleteNow(t, apiService) })

			patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"deletionPolicy":"Orphan"}}`))
			if err := tenant.Patch(t.Context(), victim.DeepCopy(), patch); err != nil {
				t.Fatal(err)
			}
			if err := tenant.Delete(t.Context(), victim.DeepCopy()); err != nil {
				t.Fatal(err)
			}
			eventually(t, soon, gone(victim))
			successor := host.existing(name, attack.group)
			successor.Spec.ExistingService.Name = "anything"
			if err := tenant.Create(t.Context(), successor); err != nil {
				t.Fatal(err)
			}
			eventually(t, soon, func(ctx context.Context) error {
				current, err := currently(ctx, successor)
				if err == nil && current.Status.ObservedGeneration != current.Generation {
					err = errors.New("the operator has not reconciled it")
				}
				return err
			})
			stays(t, 10*time.Second, isUntouched(apiService))
			if err := tenant.Delete(t.Context(), apiService.DeepCopy()); !apierrors.IsForbidden(err) {
				t.Errorf("the user may delete APIServices: %v", err)
			}
		})
	}
}

// isUntouched succeeds while the APIService is the same object with the same server.
func isUntouched(before *apiregistrationv1.APIService) func(context.Context) error {
	return func(ctx context.Context) error {
		now := &apiregistrationv1.APIService{}
		err := kube.Get(ctx, client.ObjectKeyFromObject(before), now)
		if err == nil && (now.UID != before.UID || !equality.Semantic.DeepEqual(now.Spec, before.Spec)) {
			err = fmt.Errorf("%s was %s with %+v and is %s with %+v", before.Name, before.UID, before.Spec.Service, now.UID,
				now.Spec.Service)
		}
		return err
	}
}

// newTenant returns a client of a user who may write ExtensionAPIs, create APIServices, and get Services.
func newTenant(t *testing.T, name string) client.Client {
	t.Helper()
	createObject(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{
		{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"extensionapis"},
			Verbs: []string{"get", "create", "patch", "delete"},
		},
		{APIGroups: []string{apiregistrationv1.GroupName}, Resources: []string{"apiservices"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"get"}},
	}})
	createObject(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	})
	config := rest.CopyConfig(userConfig)
	config.Impersonate.UserName = name
	tenant, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func TestHeadlessServiceIsNeverRegistered(t *testing.T) {
	const name, group, namespace = "e2e-headless", "headless.example.com", "e2e-beside-headless"
	host := startHost(t, "e2e-headless-server", group)
	createObject(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: name},
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone,
			Selector:  map[string]string{ownerLabel: host.Name},
			Ports:     []corev1.ServicePort{{Name: "https", Port: 8443}},
		},
	})
	headless := host.existing(name, group)
	headless.Spec.ExistingService.Name, headless.Spec.ExistingService.Port = name, 8443
	createUntilCleanup(t, headless)
	eventually(t, soon, func(ctx context.Context) error {
		current, err := currently(ctx, headless)
		available := conditionOf(current, v1alpha1.ConditionServerAvailable)
		if err == nil && (available.Status != metav1.ConditionFalse || !strings.Contains(available.Message, "ClusterIP")) {
			err = fmt.Errorf("the Service is not rejected: %s", describe(current))
		}
		return err
	})
	createNamespace(t, namespace)
	kubectl(t, "delete", "namespace", namespace, "--timeout", "30s")
	if err := notRegistered(t.Context(), "v1."+group); err != nil {
		t.Error(err)
	}
}

func notRegistered(ctx context.Context, apiService string) error {
	err := kube.Get(ctx, client.ObjectKey{Name: apiService}, &apiregistrationv1.APIService{})
	if err == nil {
		return fmt.Errorf("APIService %s exists", apiService)
	}
	return client.IgnoreNotFound(err)
}

// TestAPIServiceWithoutLabelsIsNotLeftBehind deletes ExtensionAPIs whose APIService has lost its labels and
// annotations, and then a namespace, whose deletion an APIService without a server would block.
func TestAPIServiceWithoutLabelsIsNotLeftBehind(t *testing.T) {
	const bystander = "e2e-beside-unlabelled"
	suspend := func(spec *v1alpha1.ExtensionAPISpec) { spec.Suspend = true }
	t.Run("deleted", func(t *testing.T) {
		for _, test := range []struct {
			name   string
			change func(*v1alpha1.ExtensionAPISpec)
			times  int
		}{
			{"e2e-unlabelled-suspended", suspend, 1},
			{"e2e-unlabelled-often", func(*v1alpha1.ExtensionAPISpec) {}, 4},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				apiService := "v1." + test.name + ".example.com"
				extensionAPI := singleFaultServer(t, test.name, "v1")
				eventually(t, time.Minute, isHealthy(extensionAPI))
				change(t, extensionAPI, test.change)
				for range test.times {
					removeMarks(t, apiService)
					eventually(t, soon, isServed(extensionAPI))
				}
				removeMarks(t, apiService)
				if err := errors.Join(remove(t.Context(), extensionAPI), notRegistered(t.Context(), apiService)); err != nil {
					t.Error(err)
				}
			})
		}
	})
	createNamespace(t, bystander)
	kubectl(t, "delete", "namespace", bystander, "--timeout", "30s")
}

// removeMarks removes all marks of ownership from the APIService.
func removeMarks(t *testing.T, apiService string) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":null,"annotations":null}}`))
	object := &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: apiService}}
	if err := kube.Patch(t.Context(), object, patch); err != nil {
		t.Fatal(err)
	}
}

// isServed succeeds when status reports that the APIService, which is served, is registered and available.
func isServed(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err == nil && conditionOf(current, v1alpha1.ConditionAPIServicesAvailable).Status != metav1.ConditionTrue {
			err = fmt.Errorf("%s is served, but not reported as available: %s", extensionAPI.Name, describe(current))
		}
		return err
	}
}

// host is a server of several groups, which are registered by other ExtensionAPIs with spec.existingService.
type host struct {
	*v1alpha1.ExtensionAPI
	caBundle []byte
}

func startHost(tb testing.TB, name string, groups ...string) host {
	tb.Helper()
	extensionAPI := faultServerAPI(name, name+".example.com", "v1")
	extensionAPI.Spec.Server.Replicas = new(int32(1))
	container := &extensionAPI.Spec.Server.Template.Spec.Containers[0]
	for _, group := range groups {
		container.Args = append(container.Args, "--group-version="+group+"/v1")
	}
	createUntilCleanup(tb, extensionAPI)
	eventually(tb, time.Minute, isHealthy(extensionAPI))
	return host{extensionAPI, bundleOf(tb, "v1."+name+".example.com")}
}

// bundleOf returns the CA bundle of an APIService.
func bundleOf(tb testing.TB, apiService string) []byte {
	tb.Helper()
	found := &apiregistrationv1.APIService{}
	if err := kube.Get(tb.Context(), client.ObjectKey{Name: apiService}, found); err != nil {
		tb.Fatal(err)
	}
	return found.Spec.CABundle
}

// existing returns an ExtensionAPI that registers the server for a group.
func (h host) existing(name, group string) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{Name: group, Versions: []v1alpha1.APIVersion{{Name: "v1"}}}},
			ExistingService: &v1alpha1.ExistingService{
				Namespace: sampleNamespace, Name: h.Name, CABundle: h.caBundle,
			},
		},
	}
}
