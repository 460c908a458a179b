// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

const bookmark = `{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}`

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// apiServer answers paths as kube-apiserver does; what it does not have is forbidden.
type apiServer map[string]http.HandlerFunc

func (a apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answer, found := a[r.URL.Path]; found {
		answer(w, r)
		return
	}
	status := apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "", nil).Status()
	answerJSON(http.StatusForbidden, status)(w, r)
}

func answerJSON(status int, document any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(document)
	}
}

func (a apiServer) start(t *testing.T) *connect.Cluster {
	t.Helper()
	return connecttest.Cluster(t, connecttest.Permitting(a))
}

func apiService(group string) apiregistrationv1.APIService {
	return apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1." + group},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: group, Version: "v1", Service: &apiregistrationv1.ServiceReference{Namespace: "shop", Name: "shop"},
		},
		Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{
			{Type: apiregistrationv1.Available, Status: apiregistrationv1.ConditionTrue},
		}},
	}
}

// shop is a cluster with two APIServices of one Service, and one that kube-apiserver serves itself.
func shop() apiServer {
	local := apiService("apps")
	local.Spec.Service = nil
	definition := apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "carts.shop.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1"}, {Name: "v2"}},
		},
	}
	const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	return apiServer{
		"/version": answerJSON(http.StatusOK, map[string]string{"gitVersion": "v1.36.3\x1b"}),
		"/apis/apiregistration.k8s.io/v1/apiservices": answerJSON(http.StatusOK, apiregistrationv1.APIServiceList{
			Items: []apiregistrationv1.APIService{apiService("shop.example.com"), local, apiService("a.example.com")},
		}),
		definitions: answerJSON(http.StatusOK, metav1.PartialObjectMetadataList{
			TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"},
			Items: []metav1.PartialObjectMetadata{
				{ObjectMeta: metav1.ObjectMeta{Name: "others.example.com"}}, {ObjectMeta: definition.ObjectMeta},
			},
		}),
		definitions + "/carts.shop.example.com": answerJSON(http.StatusOK, definition),
		"/api/v1/namespaces": answerJSON(http.StatusOK, corev1.NamespaceList{Items: []corev1.Namespace{
			{ObjectMeta: metav1.ObjectMeta{Name: "going", DeletionTimestamp: &metav1.Time{Time: time.Unix(1, 0)}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "staying"}},
		}}),
		"/api/v1/namespaces/shop/services/shop": answerJSON(http.StatusNotFound,
			apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, "shop").Status()),
		"/apis/aggregation.extensionapi.dev/v1alpha1/extensionapis": http.NotFound,
		"/apis/shop.example.com/v1": answerJSON(http.StatusOK, metav1.APIResourceList{
			GroupVersion: "shop.example.com/v1",
			APIResources: []metav1.APIResource{
				{Name: "carts", Namespaced: true, Verbs: metav1.Verbs{"delete", "list", "watch"}},
				{Name: "carts/status", Namespaced: true, Verbs: metav1.Verbs{"get"}},
				{Name: "shops", Verbs: metav1.Verbs{"delete", "list"}},
			},
		}),
		"/apis/shop.example.com/v1/shops": answerJSON(http.StatusOK,
			metav1.List{TypeMeta: metav1.TypeMeta{Kind: "ShopList"}}),
		"/apis/shop.example.com/v1/carts": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("watch") == "" {
				answerJSON(http.StatusInternalServerError, metav1.Status{Message: "no storage"})(w, r)
				return
			}
			_, _ = w.Write([]byte(bookmark))
		},
	}
}

func TestEachPartIsReadOrUnknownForItsReason(t *testing.T) {
	v, err := View(t.Context(), shop().start(t), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	if version := v.Version.Value(); version != `v1.36.3\x1b` {
		t.Errorf("the version is %q", version)
	}
	if err := v.MissingTrust.Err(); !apierrors.IsForbidden(err) {
		t.Errorf("the trust is unknown because of %v", err)
	}
	if err := v.Discovery.Err(); !apierrors.IsForbidden(err) {
		t.Errorf("discovery is unknown because of %v", err)
	}
	if namespaces := v.Terminating.Value(); len(namespaces) != 1 || namespaces[0].Name != "going" {
		t.Errorf("terminating are %+v", namespaces)
	}
	if found, known := v.ExtensionAPIs.Get(); !known || len(found) > 0 {
		t.Errorf("without the operator there are %v, %v", found, v.ExtensionAPIs.Err())
	}
	if definition := v.Definitions.Value()[schema.GroupVersion{Group: "shop.example.com", Version: "v2"}]; definition !=
		"carts.shop.example.com" {
		t.Errorf("the definitions are %v, %v", v.Definitions.Value(), v.Definitions.Err())
	}
}

func TestAPIServicesWithTheirServerAreRead(t *testing.T) {
	v, err := View(t.Context(), shop().start(t), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	found := v.APIServices.Value()
	if len(found) != 2 || found[0].Name != "v1.a.example.com" || found[0].Backend != found[1].Backend {
		t.Fatalf("got %+v", found)
	}
	if service, known := found[0].Backend.Service.Get(); !known || service != nil {
		t.Errorf("a Service that does not exist is %v, %v", service, found[0].Backend.Service.Err())
	}
	if !apierrors.IsForbidden(found[0].Backend.Budgets.Err()) {
		t.Errorf("the budgets are unknown because of %v", found[0].Backend.Budgets.Err())
	}
	result := found[1].Objects.Value()
	if len(result.Problems) != 1 || result.Problems[0].Subject != "carts.v1.shop.example.com" ||
		result.Problems[0].Reason != v1alpha1.ReasonListFails || result.Checked != 2 {
		t.Errorf("the objects are %+v", result)
	}
	if sample := found[0].Discovery.Value(); sample.Err == nil {
		t.Error("a request that is forbidden succeeded")
	}
}

func TestNamesChooseWhatIsLookedAt(t *testing.T) {
	cluster := shop().start(t)
	v, err := View(t.Context(), cluster, clock.RealClock{}, "v1.shop.example.com")
	if err != nil || len(v.APIServices.Value()) != 1 || !v.Chosen {
		t.Errorf("got %+v, %v", v.APIServices.Value(), err)
	}
	_, err = View(t.Context(), cluster, clock.RealClock{}, "v1.shop.example.com", "v1.apps")
	if err == nil || !strings.Contains(err.Error(), "v1.apps") || strings.Contains(err.Error(), "v1.shop") {
		t.Errorf("for a name without an APIService: %v", err)
	}
}

func TestAggregatedDiscoveryIsReadWhereThereIsAny(t *testing.T) {
	const document = `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"a"},"versions":[
		{"version":"v1","freshness":"Stale"},{"version":"v2","resources":[{"resource":"b"}]}]}]}`
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   map[schema.GroupVersion]view.Freshness
		fails  bool
	}{
		"a list of groups": {answer: answerJSON(http.StatusOK, metav1.APIGroupList{})},
		"406": {
			answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotAcceptable) },
		},
		"500": {
			answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, fails: true,
		},
		"aggregated": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", aggregated)
				_, _ = w.Write([]byte(document))
			},
			want: map[schema.GroupVersion]view.Freshness{
				{Group: "a", Version: "v1"}: {Stale: true, Empty: true}, {Group: "a", Version: "v2"}: {},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &collector{cluster: apiServer{"/apis": test.answer}.start(t), clock: clock.RealClock{}}
			got, err := c.discovery(t.Context())
			if (err != nil) != test.fails || len(got) != len(test.want) || (got == nil) != (test.want == nil) {
				t.Fatalf("got %v, %v", got, err)
			}
			for groupVersion, want := range test.want {
				if got[groupVersion] != want {
					t.Errorf("%s is %+v, want %+v", groupVersion, got[groupVersion], want)
				}
			}
		})
	}
}

func TestOpenAPIIsReadForGroupVersions(t *testing.T) {
	groupVersion := schema.GroupVersion{Group: "shop.example.com", Version: "v1"}
	c := &collector{clock: clock.RealClock{}, cluster: apiServer{
		"/openapi/v3": answerJSON(http.StatusOK, map[string]any{"paths": map[string]any{
			"apis/shop.example.com/v1": 1, "api/v1": 1, "version": 1,
		}}),
		"/openapi/v2": answerJSON(http.StatusOK, map[string]any{"paths": map[string]any{
			"/apis/shop.example.com/v1/carts": 1,
		}}),
	}.start(t)}
	v3, err := c.openAPIV3(t.Context())
	if err != nil || !v3.Has(groupVersion) || v3.Len() != 1 {
		t.Errorf("v3 has %v, %v", v3, err)
	}
	wanted, other := apiService("shop.example.com"), apiService("example.com")
	v2, err := c.openAPIV2(t.Context(), []view.APIService{{APIService: &wanted}, {APIService: &other}})
	if err != nil || !v2.Has(groupVersion) || v2.Len() != 1 {
		t.Errorf("v2 has %v, %v", v2, err)
	}
}

func TestBothFormsOfDiscoveryAreComparedWhereTheyAreFresh(t *testing.T) {
	const document = `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"shop.example.com"},"versions":[
		{"version":"v1","freshness":"%s","resources":[
			{"resource":"carts","scope":"Namespaced","verbs":["delete","list","watch"]}]}]}]}`
	for freshness, want := range map[string]bool{"Current": true, "Stale": false} {
		server := shop()
		server["/apis"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", aggregated)
			_, _ = fmt.Fprintf(w, document, freshness)
		}
		v, err := View(t.Context(), server.start(t), clock.RealClock{}, "v1.shop.example.com")
		if err != nil {
			t.Fatal(err)
		}
		problems := v.APIServices.Value()[0].Objects.Value().Problems
		found := slices.ContainsFunc(problems, func(p objects.Problem) bool {
			return p.Reason == v1alpha1.ReasonDiscoveryDiffers && strings.Contains(p.Evidence, "shops is missing in GET /apis")
		})
		if found != want {
			t.Errorf("%s: the problems are %+v", freshness, problems)
		}
	}
}

func TestNothingIsRequestedFromTheStandIn(t *testing.T) {
	server := shop()
	standIn := apiService("shop.example.com")
	standIn.Labels = map[string]string{manifests.OwnerLabel: "shop"}
	standIn.Spec.Service.Name = manifests.StandInName
	server["/apis/apiregistration.k8s.io/v1/apiservices"] = answerJSON(http.StatusOK, apiregistrationv1.APIServiceList{
		Items: []apiregistrationv1.APIService{standIn},
	})
	server["/apis/shop.example.com/v1/carts"] = func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s is requested", r.URL)
	}
	v, err := View(t.Context(), server.start(t), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	if found := v.APIServices.Value()[0]; !found.LeadsToStandIn() || found.Objects.Value().Checked != 0 {
		t.Errorf("got %+v", found)
	}
}
