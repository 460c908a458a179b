// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// blind is a kube-apiserver that does not reach the server of shop.
func blind() apiServer {
	server := shop()
	server["/apis/shop.example.com/v1"] = func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "error trying to reach service: no route to host", http.StatusServiceUnavailable)
	}
	return server
}

func TestDiscoveryIsRequestedThroughEachKubeAPIServer(t *testing.T) {
	cluster := connecttest.Several(t, connecttest.Permitting(shop()), connecttest.Permitting(blind()))
	v, err := View(t.Context(), cluster, clock.RealClock{}, "v1.shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	through := v.APIServices.Value()[0].Through
	if len(through) != 2 || through[0].Address >= through[1].Address {
		t.Fatalf("through the kube-apiservers: %+v", through)
	}
	for _, each := range through {
		sample, known := each.Discovery.Get()
		if fails := each.Address != v.Host; !known || (sample.Err != nil) != fails {
			t.Errorf("through %s (the kubeconfig leads to %s): %+v", each.Address, v.Host, each.Discovery)
		}
	}
}

func TestAKubeAPIServerThatCannotBeReachedIsNamedWithTheReason(t *testing.T) {
	hangsUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler) //nolint:forbidigo // as net/http documents it
	})
	cluster := connecttest.Several(t, connecttest.Permitting(shop()), hangsUp)
	v, err := View(t.Context(), cluster, clock.RealClock{}, "v1.shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	unreached := slices.DeleteFunc(v.KubeAPIServers.Value(), func(s view.KubeAPIServer) bool {
		return s.Unreached == nil
	})
	if len(unreached) != 1 || unreached[0].Address == v.Host ||
		strings.Contains(unreached[0].Unreached.Error(), "https:") {
		t.Errorf("not reached: %+v", unreached)
	}
	if through := v.APIServices.Value()[0].Through; len(through) != 1 || through[0].Address != v.Host {
		t.Errorf("requested through %+v", through)
	}
}

func TestASingleKubeAPIServerIsNotRequestedTwice(t *testing.T) {
	v, err := View(t.Context(), connecttest.Several(t, connecttest.Permitting(shop())), clock.RealClock{})
	if err != nil || len(v.KubeAPIServers.Value()) != 1 || len(v.APIServices.Value()[0].Through) != 0 {
		t.Errorf("got %+v, %v", v.KubeAPIServers, err)
	}
}

func TestRequestsThroughEachKubeAPIServerAreNotBegunLate(t *testing.T) {
	cluster := connecttest.Several(t, connecttest.Permitting(shop()), connecttest.Permitting(blind()))
	clk := clocktesting.NewFakeClock(time.Now())
	c := &collector{cluster: cluster, clock: clk}
	v := &view.View{
		APIServices:    snapshot.Of(c.apiServices(t.Context())),
		KubeAPIServers: snapshot.Of(c.kubeAPIServers(t.Context())),
	}
	tasks := c.throughEach(v)
	clk.Step(throughWithin)
	c.all(t.Context(), tasks)
	through := v.APIServices.Value()[0].Through
	if len(through) != 2 || !errors.Is(through[0].Discovery.Err(), errLate) {
		t.Errorf("got %+v", through)
	}
}
