// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
)

func TestControllersAreAliveButNotReadyWhileTheirAPIIsNotServed(t *testing.T) {
	var served, allowed atomic.Bool
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !served.Load() {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		serveGears(w, r)
	}))
	defer cluster.Close()
	program := Program{
		Name: "cogs", Versions: []func(*runtime.Scheme) error{installGears},
		Setup: []func(ctrl.Manager) error{func(manager ctrl.Manager) error {
			return manager.AddReadyzCheck("mine", func(*http.Request) error {
				if !allowed.Load() {
					return errors.New("not yet")
				}
				return nil
			})
		}},
	}
	address := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- program.run(ctx, &rest.Config{Host: cluster.URL}, options{healthAddress: address, metricsAddress: "0"})
	}()
	eventually(t, address, "/healthz", "200 ok")
	eventually(t, address, "/readyz", "500 internal server error: the API is not served yet\n")
	served.Store(true)
	eventually(t, address, "/readyz/caches", "200 ok")
	eventually(t, address, "/readyz/mine", "500 internal server error: not yet\n")
	allowed.Store(true)
	eventually(t, address, "/readyz", "200 ok")
	eventually(t, address, "/healthz", "200 ok")
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the program ends with %v", err)
	}
}

func TestAHealthAddressThatIsInUseEndsTheProgram(t *testing.T) {
	listener := listen(t)
	defer func() { _ = listener.Close() }()
	err := whileWaiting(t.Context(), listener.Addr().String(), func() error {
		t.Error("it waits for the API")
		return nil
	})
	if err == nil {
		t.Error("it does not report that it serves no health checks")
	}
}

func TestWithoutAHealthAddressThereIsOnlyTheWait(t *testing.T) {
	failure := errors.New("failure")
	for _, address := range []string{"", "0"} {
		if err := whileWaiting(t.Context(), address, func() error { return failure }); !errors.Is(err, failure) {
			t.Errorf("with the address %q: %v", address, err)
		}
	}
}

func installGears(scheme *runtime.Scheme) error {
	scheme.AddKnownTypeWithName(gears[0].WithKind("Sprocket"), &metav1.PartialObjectMetadata{})
	return nil
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// eventually waits until a health check answers as wanted.
func eventually(t *testing.T, address, path, want string) {
	t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			last = answer(ctx, "http://"+address+path)
			return last == want, nil
		})
	if err != nil {
		t.Fatalf("%s answers %q: %v", path, last, err)
	}
}

func answer(ctx context.Context, url string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, body)
}
