// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"maps"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

const started, other = "wardle-flunders", "wardle-fischers"

// controlled is a snapshot with two controllers, of which one was started earlier.
func controlled() *snapshot.Snapshot {
	s := snapshottest.New()
	s.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}, {Name: "fischers"}}
	s.Controllers = snapshot.Of(snapshot.Controllers{ByName: map[string]snapshot.Workload{
		started: {Deployment: &appsv1.Deployment{}},
	}}, nil)
	s.Probes = discovery.NewRound(discovery.Target{}, discovery.Records{
		discovery.ThroughKubeAPIServer(snapshottest.KubeAPIServer, snapshottest.GroupVersion): {},
	})
	return s
}

func TestControllersAreStartedWhenEveryGroupVersionIsAvailableAndThenKeptRunning(t *testing.T) {
	failed := errors.New("timeout")
	unavailable := snapshottest.Available(apiregistrationv1.ConditionFalse, "MissingEndpoints", "")
	for name, test := range map[string]struct {
		change func(*snapshot.Snapshot)
		want   []string
	}{
		"available":          {func(*snapshot.Snapshot) {}, []string{other, started}},
		"not registered yet": {snapshottest.Unregister, []string{started}},
		"not available any more": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, unavailable) }, []string{started},
		},
		"available, but no request has passed yet": {
			func(s *snapshot.Snapshot) { s.Probes = discovery.Round{} }, []string{started},
		},
		"one group-version is not registered": {
			func(s *snapshot.Snapshot) {
				s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v2"})
			}, []string{started},
		},
		"it is not known whether it is available": {
			func(s *snapshot.Snapshot) {
				s.Registered = snapshot.Of[map[string]*apiregistrationv1.APIService](nil, failed)
			}, []string{started},
		},
		"without a namespace": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Terminating, nil) }, nil,
		},
		"the Pods of one would get requests for an earlier server": {
			func(s *snapshot.Snapshot) {
				s.Spec.Controllers[1].Template.Labels = map[string]string{"app": "shop"}
				s.Selectors = snapshot.Of([]snapshot.Selector{{
					Kind: "Service", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
				}}, nil)
			}, []string{started},
		},
		"it is not known what selects their Pods": {
			func(s *snapshot.Snapshot) { s.Selectors = snapshot.Of([]snapshot.Selector(nil), failed) }, nil,
		},
		"it is not known what runs": {
			func(s *snapshot.Snapshot) { s.Controllers = snapshot.Of(snapshot.Controllers{}, failed) }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := controlled()
			test.change(s)
			p := nextOf(t, s).Controllers
			if (p == nil) != (test.want == nil) {
				t.Fatalf("planned is %+v", p)
			}
			if p == nil {
				return
			}
			if got := slices.Sorted(maps.Keys(p.Running)); !slices.Equal(got, test.want) {
				t.Errorf("running are %q, want %q", got, test.want)
			}
		})
	}
}

func TestADeploymentOfAnotherOwnerIsReadAgainAtEveryInterval(t *testing.T) {
	s := snapshottest.New()
	snapshottest.Change(&s.Controllers, func(c *snapshot.Controllers) {
		c.Referenced = map[string]snapshot.Known[*appsv1.Deployment]{"other": {}}
	})
	if recheck := nextOf(t, s).Recheck; recheck <= 0 || recheck > s.Policy().Interval {
		t.Errorf("it is read again after %s", recheck)
	}
}

func TestBindingsNameTheAccountsThatControllersRunAsAndAreToRunAs(t *testing.T) {
	s := controlled()
	snapshottest.Change(&s.Controllers, func(c *snapshot.Controllers) {
		c.ByName[started] = snapshot.Workload{Deployment: &appsv1.Deployment{}, Accounts: []string{"earlier"}}
		c.FormerAccounts = []string{"former"}
	})
	want := []string{"earlier", "former", other, started}
	if got := nextOf(t, s).Server.ControllerAccounts; !slices.Equal(got, want) {
		t.Errorf("the accounts are %q, want %q", got, want)
	}
}

func TestBindingsOfControllersStayUntilTheLastOneIsGone(t *testing.T) {
	s := controlled()
	s.Spec.Controllers = nil
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) {
		server.Unwanted = inventory.Unwanted(s.ExtensionAPI)
	})
	bindings := func() int {
		return len(slices.DeleteFunc(slices.Clone(nextOf(t, s).Server.Unwanted), func(object inventory.Object) bool {
			return !object.IsOfControllers()
		}))
	}
	if got := bindings(); got != 2 {
		t.Errorf("without any controller %d bindings are removed", got)
	}
	snapshottest.Change(&s.Controllers, func(c *snapshot.Controllers) {
		c.Former = []inventory.Object{inventory.OfController(inventory.Deployment, "wardle-former")}
	})
	if got := bindings(); got != 0 {
		t.Errorf("while one terminates %d bindings are removed", got)
	}
}

func TestFormerControllersAreRemovedAlsoWhileTheAPIIsUnavailable(t *testing.T) {
	s := controlled()
	snapshottest.Unregister(s)
	snapshottest.Change(&s.Controllers, func(c *snapshot.Controllers) {
		c.Former = []inventory.Object{inventory.OfController(inventory.Deployment, "wardle-former")}
	})
	if got := nextOf(t, s).Controllers.Former; len(got) != 1 {
		t.Errorf("to be removed are %v", got)
	}
}

func TestCausesAreLookedForOfPodsOfTheServerAndOfControllers(t *testing.T) {
	s := controlled()
	unready := func(name string) []corev1.Pod {
		created := metav1.NewTime(snapshottest.Noon.Add(-2 * workload.UnreadyAfter))
		return []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: created}}}
	}
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Pods = unready("server") })
	snapshottest.Change(&s.Controllers, func(c *snapshot.Controllers) {
		c.ByName[started] = snapshot.Workload{Deployment: &appsv1.Deployment{}, Pods: unready("controller")}
	})
	var got []string
	for _, pod := range nextOf(t, s).Unready {
		got = append(got, pod.Name)
	}
	if want := []string{"server", "controller"}; !slices.Equal(got, want) {
		t.Errorf("looked at are %q, want %q", got, want)
	}
}
