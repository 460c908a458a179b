// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
)

// BenchmarkView reads a cluster with three kube-apiservers and 200 APIServices, each with two resources that are listed
// and watched.
func BenchmarkView(b *testing.B) {
	list := &apiregistrationv1.APIServiceList{}
	for i := range 200 {
		list.Items = append(list.Items, apiService(fmt.Sprintf("g%d.example.com", i)))
	}
	apiServices := answerJSON(http.StatusOK, list)
	verbs := metav1.Verbs{"create", "delete", "list", "watch"}
	answer := func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		switch {
		case r.URL.Path == "/apis/apiregistration.k8s.io/v1/apiservices":
			apiServices(w, r)
		case len(parts) == 3 && strings.HasPrefix(parts[1], "g"):
			answerJSON(http.StatusOK, metav1.APIResourceList{
				GroupVersion: parts[1] + "/v1",
				APIResources: []metav1.APIResource{{Name: "carts", Verbs: verbs}, {Name: "shops", Verbs: verbs}},
			})(w, r)
		case len(parts) == 4 && r.URL.Query().Get("watch") != "":
			_, _ = fmt.Fprintln(w, bookmark)
		case len(parts) == 4:
			answerJSON(http.StatusOK, metav1.List{TypeMeta: metav1.TypeMeta{Kind: "CartList"}})(w, r)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}
	kubeAPIServer := connecttest.Permitting(http.HandlerFunc(answer))
	cluster := connecttest.Several(b, kubeAPIServer, kubeAPIServer, kubeAPIServer)
	for b.Loop() {
		v, err := View(b.Context(), cluster, clock.RealClock{})
		if err != nil {
			b.Fatal(err)
		}
		for _, each := range v.APIServices.Value() {
			if result := each.Objects.Value(); !result.IsGood() || result.Checked != 2 {
				b.Fatalf("%s: %+v", each.Name, result)
			}
			for _, through := range each.Through {
				if sample, known := through.Discovery.Get(); !known || sample.Err != nil {
					b.Fatalf("%s through %s: %+v", each.Name, through.Address, through.Discovery)
				}
			}
		}
	}
}
