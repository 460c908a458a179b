// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/soak"
)

// cause causes a fault, and returns when it has been reported as it must, has ended, and everything it has affected is
// healthy again. Meanwhile what it affects is excused.
type cause func(*testing.T, *soaking, soak.Step)

// soakedFaults are those of docs/troubleshooting/faults.md that need only servers that behave so.
var soakedFaults = []string{
	"all-slow", "all-hang", "all-trickle", "near-limit", "one-slow", "failing", "breaking-off", "malformed", "expired",
	"apis-hang", "openapi-slow",
}

// serverCauses are the other faults of servers. Of these a condition reports nothing that would not depend on the
// moment.
var serverCauses = map[string]cause{
	"a replica is killed":                         signalled(syscall.SIGKILL, syscall.SIGKILL),
	"a replica hangs":                             signalled(syscall.SIGSTOP, syscall.SIGCONT),
	"a replica is evicted":                        evicted,
	"the serving certificate is replaced":         rotating(false),
	"ExtensionAPIs are deleted and created again": recreated,
}

// otherCauses are faults of everything else, by target.
var otherCauses = map[string]map[string]cause{
	soakedLoner:  {"CA and certificate are replaced": rotating(true)},
	soakedDoomed: {"the namespace is deleted": losesNamespace},
	"kube-apiserver": {
		"one is killed": ofOneKubeAPIServer(killed), "one hangs": ofOneKubeAPIServer(hung),
		"one is restarted": ofOneKubeAPIServer(restarted),
	},
	"node": {
		"etcd is killed":                    componentKilled(etcdOfNode),
		"kube-controller-manager is killed": componentKilled(controllerManager),
	},
	"operator": {
		"the leader is killed": operatorKilled(1), "all replicas are killed": operatorKilled(2),
		"the chart is upgraded": upgraded,
	},
	"others": {
		"a definition comes and goes": definitionComesAndGoes, "an APIService comes and goes": apiServiceComesAndGoes,
		"a namespace is deleted": namespaceDeleted,
	},
}

// seldom are the targets that are spared in most rounds: a process that is replaced all the time cannot grow, and a CA
// is replaced in minutes.
var seldom = map[string]int{"operator": 2, soakedLoner: 3}

// allFaults returns those of each target, by their names.
func (s *soaking) allFaults() map[string]map[string]cause {
	all := maps.Clone(otherCauses)
	ofServers := maps.Clone(serverCauses)
	for _, fault := range faults {
		if slices.Contains(soakedFaults, fault.name) {
			ofServers[fault.what] = misbehaving(fault)
		}
	}
	for i := range sharedServers {
		all[s.servers[i].Name] = ofServers
	}
	return all
}

// targets are in a fixed order, so that a seed always means the same.
func (s *soaking) targets() (targets []soak.Target) {
	for _, name := range slices.Sorted(maps.Keys(s.faults)) {
		targets = append(targets, soak.Target{
			Name: name, Faults: slices.Sorted(maps.Keys(s.faults[name])), Every: seldom[name],
		})
	}
	return targets
}

// excuse excuses what a fault affects until it is healthy again.
func (s *soaking) excuse(names ...string) (end func()) {
	over := s.excuses.Begin(time.Now(), names...)
	return func() { over(time.Now()) }
}

// misbehaving makes all replicas of a server behave so, or only one.
func misbehaving(fault fault) cause {
	return func(t *testing.T, s *soaking, step soak.Step) {
		t.Helper()
		server := s.server(step.Target)
		end := s.excuse(server.names()...)
		begun, faulty := time.Now(), server.pods(t)
		if fault.connectedOne {
			faulty = faulty[:1]
		}
		heal := func() {
			for _, pod := range faulty {
				behave(t, pod, behaviour{})
			}
		}
		t.Cleanup(heal)
		for _, pod := range faulty {
			behave(t, pod, fault.behaviour)
		}
		reported := patiently(t, faultReported, server.shows(fault))
		pause(t, step.For-time.Since(begun))
		heal()
		cleared := patiently(t, faultReported, s.areHealthy(server.names()...))
		end()
		progress("  %s: %s was reported after %s, and its recovery after %s", step, fault.reason, reported, cleared)
	}
}

// shows succeeds when the conditions of the ExtensionAPI report the fault, and those of its dependents do if they all
// have it.
func (s *soakedServer) shows(fault fault) func(context.Context) error {
	affected := s.all()
	if fault.connectedOne {
		affected = affected[:1]
	}
	return func(ctx context.Context) error {
		for _, extensionAPI := range affected {
			current, err := currently(ctx, extensionAPI)
			if err == nil {
				err = fault.shownBy(current, "")
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// signalled sends a signal to a replica, and another one at the end of the fault.
func signalled(begin, over syscall.Signal) cause {
	return func(t *testing.T, s *soaking, step soak.Step) {
		t.Helper()
		server := s.server(step.Target)
		end := s.excuse(server.names()...)
		process := processOf(t, server.pods(t)[0].Status.ContainerStatuses[0])
		send := func(signal syscall.Signal) {
			// The kubelet may have killed it.
			if err := syscall.Kill(process, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Error(err)
			}
		}
		send(begin)
		pause(t, step.For)
		if over != begin {
			send(over)
		}
		patiently(t, faultReported, s.areHealthy(server.names()...))
		end()
	}
}

// evicted loses no request, so nothing is excused.
func evicted(t *testing.T, s *soaking, step soak.Step) {
	t.Helper()
	server := s.server(step.Target)
	pod := server.pods(t)[0]
	patiently(t, time.Minute, func(ctx context.Context) error {
		return client.IgnoreNotFound(kube.SubResource("eviction").Create(ctx, pod.DeepCopy(), &policyv1.Eviction{}))
	})
	patiently(t, faultReported, func(ctx context.Context) error {
		return client.IgnoreNotFound(stillExists(ctx, &pod))
	})
}

func stillExists(ctx context.Context, object client.Object) error {
	err := kube.Get(ctx, client.ObjectKeyFromObject(object), object)
	if err == nil {
		err = fmt.Errorf("%T %s still exists", object, object.GetName())
	}
	return err
}

// rotating replaces certificates, which loses no request, so nothing is excused. It ends in one of the next rounds.
func rotating(ca bool) cause {
	return func(t *testing.T, s *soaking, step soak.Step) {
		t.Helper()
		server, now := s.server(step.Target), metav1.Now()
		server.rotation = &now
		patiently(t, time.Minute, func(ctx context.Context) error {
			current, err := currently(ctx, server.ExtensionAPI)
			if err != nil {
				return err
			}
			patch := client.MergeFrom(current.DeepCopy())
			managed(&current.Spec).RotateServingAfter = &now
			if ca {
				managed(&current.Spec).RotateCAAfter = &now
			}
			return kube.Patch(ctx, current, patch)
		})
	}
}

// recreated deletes the dependents of a server, and creates them again.
func recreated(t *testing.T, s *soaking, step soak.Step) {
	t.Helper()
	server := s.server(step.Target)
	dependents := server.names()[1:]
	end := s.excuse(dependents...)
	deleteSoaked(t, server.dependents)
	pause(t, step.For)
	patiently(t, time.Minute, func(ctx context.Context) error {
		var errs []error
		for _, dependent := range server.dependents {
			again := &v1alpha1.ExtensionAPI{
				ObjectMeta: metav1.ObjectMeta{Name: dependent.Name}, Spec: *dependent.Spec.DeepCopy(),
			}
			errs = append(errs, client.IgnoreAlreadyExists(kube.Create(ctx, again)))
		}
		return errors.Join(errs...)
	})
	patiently(t, faultReported, s.areHealthy(dependents...))
	end()
}

// losesNamespace deletes the namespace of a server. It is gone when no other server blocks its deletion.
func losesNamespace(t *testing.T, s *soaking, step soak.Step) {
	t.Helper()
	doomed := s.server(step.Target)
	end := s.excuse(doomed.Name)
	patiently(t, time.Minute, deleted(doomedNamespace))
	lost := []string{v1alpha1.ReasonNamespaceTerminating, v1alpha1.ReasonNamespaceNotFound}
	reported := patiently(t, faultReported, statesOneOf(doomed.ExtensionAPI, lost, doomedNamespace))
	gone := patiently(t, calm, namespaceGone(doomedNamespace))
	pause(t, step.For-reported-gone)
	patiently(t, time.Minute, func(ctx context.Context) error {
		return client.IgnoreAlreadyExists(kube.Create(ctx, restricted(doomedNamespace)))
	})
	patiently(t, faultReported, s.areHealthy(doomed.Name))
	end()
	progress("  %s: reported after %s, the namespace was gone after another %s", step, reported, gone)
}

func deleted(namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		return client.IgnoreNotFound(kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	}
}

// ofOneKubeAPIServer causes a fault of a kube-apiserver that the step chooses, and no condition may change.
func ofOneKubeAPIServer(begin func(*testing.T, kubeAPIServer) func()) cause {
	return func(t *testing.T, s *soaking, step soak.Step) {
		t.Helper()
		chosen := rand.New(rand.NewPCG(uint64(step.At), uint64(step.For))) // as good as the seed
		faulty := s.kubeAPIServers[chosen.IntN(len(s.kubeAPIServers))]
		progress("  %s: kube-apiserver %d", step, faulty.number)
		end := s.excuse(faulty.name())
		heal := begin(t, faulty)
		pause(t, step.For)
		heal()
		for _, server := range s.servers {
			patiently(t, faultReported, func(ctx context.Context) error {
				err := faulty.serves(t, "/apis/"+server.Spec.Groups[0].Name+"/v1")(ctx)
				if now := time.Now(); err != nil && s.excuses.Cover(now, now, server.Name) {
					err = nil
				}
				return err
			})
		}
		end()
	}
}

func (s kubeAPIServer) name() string { return fmt.Sprintf("kube-apiserver %d", s.number) }
