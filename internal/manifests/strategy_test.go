// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestARolloutStopsAnOldPodFirstWhereANewOneMayNotFitBesideIt(t *testing.T) {
	ported := corev1.Container{Ports: []corev1.ContainerPort{{ContainerPort: 8443, HostPort: 8443}}}
	claim := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}
	onHost, ofSidecar := corev1.PodSpec{Containers: []corev1.Container{ported}}, corev1.PodSpec{}
	ofSidecar.InitContainers = []corev1.Container{ported}
	claiming := corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: claim}}}
	recreate, typed := &v1alpha1.Strategy{Type: "Recreate"}, &v1alpha1.Strategy{Type: "RollingUpdate"}
	none, one, half := new(intstr.FromInt32(0)), new(intstr.FromInt32(1)), new(intstr.FromString("50%"))
	alone := corev1.PodSpec{HostNetwork: true}
	for name, test := range map[string]struct {
		pod  corev1.PodSpec
		set  *v1alpha1.Strategy
		want string
	}{
		"a plain template":                   {corev1.PodSpec{}, nil, "1 surge, 0 unavailable"},
		"the host's network":                 {alone, nil, "0 surge, 1 unavailable"},
		"a host port":                        {onHost, nil, "0 surge, 1 unavailable"},
		"a host port of a sidecar":           {ofSidecar, nil, "0 surge, 1 unavailable"},
		"a volume of its own":                {claiming, nil, "0 surge, 1 unavailable"},
		"a volume without a claim":           {corev1.PodSpec{Volumes: []corev1.Volume{{}}}, nil, "1 surge, 0 unavailable"},
		"both set":                           {alone, rolling(half, none), "50% surge, 0 unavailable"},
		"no surge":                           {corev1.PodSpec{}, rolling(none, nil), "0 surge, 1 unavailable"},
		"a surge in the host's network":      {alone, rolling(one, nil), "1 surge, 0 unavailable"},
		"always available":                   {alone, rolling(nil, none), "1 surge, 0 unavailable"},
		"one unavailable":                    {corev1.PodSpec{}, rolling(nil, one), "1 surge, 1 unavailable"},
		"half unavailable, and no room":      {alone, rolling(nil, half), "0 surge, 50% unavailable"},
		"a type alone":                       {corev1.PodSpec{}, typed, "1 surge, 0 unavailable"},
		"all at once, in the host's network": {alone, recreate, "Recreate"},
	} {
		t.Run(name, func(t *testing.T) {
			server := &v1alpha1.Server{Strategy: test.set, Template: corev1.PodTemplateSpec{Spec: test.pod}}
			if got := describe(rolloutOf(server).Strategy); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func rolling(surge, unavailable *intstr.IntOrString) *v1alpha1.Strategy {
	return &v1alpha1.Strategy{
		Type:          appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &v1alpha1.RollingUpdate{MaxSurge: surge, MaxUnavailable: unavailable},
	}
}

func describe(strategy *apps.DeploymentStrategyApplyConfiguration) string {
	update := strategy.RollingUpdate
	if update == nil {
		return string(*strategy.Type)
	}
	return fmt.Sprintf("%s surge, %s unavailable", update.MaxSurge.String(), update.MaxUnavailable.String())
}

func TestTimesOfARolloutAreLeftToKubernetesUnlessTheyAreSet(t *testing.T) {
	plain := rolloutOf(&v1alpha1.Server{})
	if plain.MinReadySeconds != nil || plain.ProgressDeadlineSeconds != nil {
		t.Errorf("they are set: %+v", plain)
	}
	set := rolloutOf(&v1alpha1.Server{MinReadySeconds: new(int32(5)), ProgressDeadlineSeconds: 60})
	if *set.MinReadySeconds != 5 || *set.ProgressDeadlineSeconds != 60 {
		t.Errorf("they are %d and %d", *set.MinReadySeconds, *set.ProgressDeadlineSeconds)
	}
}

func TestAControllerWithoutAReadinessProbeRunsForAWhileBeforeItReplacesOne(t *testing.T) {
	probed := []corev1.Container{{Name: "manager", ReadinessProbe: &corev1.Probe{}}, {Name: "sidecar"}}
	for name, test := range map[string]struct {
		containers []corev1.Container
		want       int32
	}{
		"no probe": {[]corev1.Container{{Name: "manager"}}, settled},
		"a probe":  {probed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			controller := Workload{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: test.containers}}}
			if got := ptr.Deref(controller.rollout().MinReadySeconds, 0); got != test.want {
				t.Errorf("it counts as available after %d seconds", got)
			}
		})
	}
}

func TestAPodInTheNetworkOfItsNodeResolvesServices(t *testing.T) {
	for name, test := range map[string]struct {
		pod  corev1.PodSpec
		want corev1.DNSPolicy
	}{
		"a network of its own":         {corev1.PodSpec{}, ""},
		"the network of the node":      {corev1.PodSpec{HostNetwork: true}, corev1.DNSClusterFirstWithHostNet},
		"another policy of a template": {corev1.PodSpec{HostNetwork: true, DNSPolicy: corev1.DNSDefault}, corev1.DNSDefault},
	} {
		t.Run(name, func(t *testing.T) {
			extensionAPI := read(t, "minimal.yaml")
			test.pod.Containers = extensionAPI.Spec.Server.Template.Spec.Containers
			extensionAPI.Spec.Server.Template.Spec = test.pod
			if got := fillTemplate(ServerOf(extensionAPI), Observed{}).Spec.DNSPolicy; got != test.want {
				t.Errorf("the policy is %q, want %q", got, test.want)
			}
		})
	}
}

func rolloutOf(server *v1alpha1.Server) *apps.DeploymentSpecApplyConfiguration {
	return ServerOf(&v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{Server: server}}).rollout()
}
