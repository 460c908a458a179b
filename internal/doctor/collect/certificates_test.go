// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
)

// running is shop with a Service, ready Pods and APIServices with a caBundle, one of which kube-apiserver does not
// verify.
func running(caBundle []byte, pods ...string) apiServer {
	server := shop()
	verified, shared, insecure := apiService("shop.example.com"), apiService("a.example.com"), apiService("b.example.com")
	for _, each := range []*apiregistrationv1.APIService{&verified, &shared, &insecure} {
		each.Spec.CABundle = caBundle
	}
	insecure.Spec.InsecureSkipTLSVerify = true
	server["/apis/apiregistration.k8s.io/v1/apiservices"] = answerJSON(http.StatusOK, apiregistrationv1.APIServiceList{
		Items: []apiregistrationv1.APIService{verified, shared, insecure},
	})
	service := corev1.Service{Spec: corev1.ServiceSpec{
		ClusterIP: "10.0.0.1", Selector: map[string]string{"a": "b"},
		Ports: []corev1.ServicePort{{Name: "https", Port: 443}},
	}}
	service.Namespace, service.Name = "shop", "shop"
	server["/api/v1/namespaces/shop/services/shop"] = answerJSON(http.StatusOK, service)
	slice := discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(8443))}},
	}
	for i, pod := range pods {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{fmt.Sprintf("10.0.1.%d", i)}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod},
		})
	}
	server["/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"] = answerJSON(http.StatusOK,
		discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{slice}})
	return server
}

// byName are the APIServices that are read of a cluster.
func byName(t *testing.T, handler http.Handler) map[string]view.APIService {
	t.Helper()
	v, err := View(t.Context(), connecttest.Cluster(t, handler), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]view.APIService{}
	for _, each := range v.APIServices.Value() {
		found[each.Name] = each
	}
	return found
}

func TestTheCertificatesOfPodsAreReadOnceForAllAPIServicesOfAService(t *testing.T) {
	pod := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(pod.Close)
	forwarded := make(chan string, 10)
	handler := connecttest.Permitting(running([]byte("CA"), "api-a", "api-b", "api-c", "api-d"))
	counting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/portforward") && r.Method == http.MethodPost {
			forwarded <- r.URL.Path
		}
		connecttest.Forwarding(pod.Listener.Addr().String(), handler).ServeHTTP(w, r)
	})
	found := byName(t, counting)
	for _, name := range []string{"v1.shop.example.com", "v1.a.example.com"} {
		served := found[name].Served.Value()
		if len(served.Pods) != podsOfEach || served.Left != 1 {
			t.Fatalf("%s: %+v", name, found[name].Served)
		}
		for _, each := range served.Pods {
			if chain := each.Chain.Value(); len(chain) != 1 || !chain[0].Equal(pod.Certificate()) {
				t.Errorf("Pod %s: %+v", each.Pod, each.Chain)
			}
		}
	}
	if insecure := found["v1.b.example.com"].Served; insecure.IsKnown() || insecure.Err() != nil {
		t.Errorf("read of an APIService that kube-apiserver does not verify: %+v", insecure)
	}
	if len(forwarded) != podsOfEach {
		t.Errorf("%d ports were forwarded", len(forwarded))
	}
}

func TestNoPortIsForwardedWithoutPermission(t *testing.T) {
	handler := connecttest.Permitting(running([]byte("CA"), "api-a"), "create")
	found := byName(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/portforward") {
			t.Errorf("%s is requested", r.URL.Path)
		}
		handler.ServeHTTP(w, r)
	}))
	if served := found["v1.shop.example.com"].Served; !apierrors.IsForbidden(served.Err()) {
		t.Errorf("got %+v", served)
	}
}
