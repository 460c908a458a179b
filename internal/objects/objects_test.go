// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
)

var v1 = schema.GroupVersion{Group: "example.com", Version: "v1"}

// advertising returns a namespaced resource with these verbs.
func advertising(verbs string) Resource {
	has := func(verb string) bool { return strings.Contains(" "+verbs+" ", " "+verb+" ") }
	return Resource{GroupVersion: v1, Resource: documents.Resource{
		Name: "gadgets", Namespaced: !has("cluster"), Creatable: has("create"), Deletable: has("delete"),
		Listable: has("list"), Watchable: has("watch"), MoreThanGet: verbs != "get",
	}}
}

func TestVerbsDecideWhoIsAffected(t *testing.T) {
	failed := Answer{Status: http.StatusInternalServerError, Err: errors.New("answered 500")}
	missing := Answer{Status: http.StatusNotFound, Err: errors.New("answered 404")}
	for verbs, test := range map[string]struct{ list, missing, watch Affected }{
		"create delete list watch":         {Namespaces, Leftovers, Quotas},
		"delete list watch":                {Namespaces, Leftovers, GarbageCollector},
		"delete list":                      {Namespaces, Leftovers, Clients},
		"list watch":                       {Clients, Clients, Clients},
		"create list watch":                {Clients, Clients, Clients},
		"cluster create delete list watch": {Clients, Clients, Quotas},
	} {
		resource := advertising(verbs)
		list, _ := JudgeList(resource, failed)
		notFound, _ := JudgeList(resource, missing)
		watch, _ := JudgeWatch(resource, failed)
		if list.Affected != test.list || notFound.Affected != test.missing || watch.Affected != test.watch ||
			WithoutBookmark(resource, time.Second).Affected != test.watch {
			t.Errorf("%s: %d, %d and %d are affected, want %+v", verbs, list.Affected, notFound.Affected, watch.Affected, test)
		}
	}
}

func TestAHonestRefusalOfInitialEventsIsNoProblem(t *testing.T) {
	for status, want := range map[int]bool{
		http.StatusBadRequest: false, http.StatusUnprocessableEntity: false, http.StatusNotAcceptable: false,
		http.StatusForbidden: true, http.StatusNotFound: true, http.StatusMethodNotAllowed: true,
		http.StatusInternalServerError: true,
	} {
		answer := Answer{Status: status, Err: errors.New("answered")}
		if _, found := JudgeWatch(advertising("watch"), answer); found != want {
			t.Errorf("%d is a problem: %t", status, found)
		}
	}
}

func TestDifferencesOfDiscovery(t *testing.T) {
	deletable, listable, gettable := advertising("delete list"), advertising("list"), advertising("get")
	other := listable.Resource
	other.Name = "others"
	for name, test := range map[string]struct {
		resources  []Resource
		aggregated []documents.Resource
		says       string
		affected   Affected
	}{
		"none":              {[]Resource{deletable}, []documents.Resource{deletable.Resource}, "", 0},
		"only get":          {[]Resource{gettable}, nil, "", 0},
		"missing":           {[]Resource{listable}, nil, "gadgets is missing in GET /apis", Clients},
		"missing, with del": {[]Resource{deletable}, nil, "gadgets is missing in GET /apis", Leftovers},
		"other verbs": {
			[]Resource{deletable},
			[]documents.Resource{listable.Resource},
			"gadgets has another scope or other verbs", Leftovers,
		},
		"only aggregated": {
			[]Resource{listable}, []documents.Resource{listable.Resource, other}, "others is only in GET /apis", Clients,
		},
	} {
		t.Run(name, func(t *testing.T) {
			problem, found := Compare(v1, test.resources, test.aggregated)
			if found != (test.says != "") || !strings.Contains(problem.Evidence, test.says) ||
				problem.Affected != test.affected {
				t.Errorf("got %+v", problem)
			}
		})
	}
}

func TestTheMergedOpenAPIHasEveryGroupVersion(t *testing.T) {
	for name, test := range map[string]struct {
		inV2, inV3 bool
		reason     string
	}{
		"both":    {true, true, ""},
		"v3 only": {false, true, v1alpha1.ReasonOpenAPIV2Missing},
		"v2 only": {true, false, v1alpha1.ReasonOpenAPIBroken},
		"none":    {false, false, v1alpha1.ReasonOpenAPIBroken},
	} {
		if problem, found := JudgeMerged(v1, test.inV2, test.inV3); found != (test.reason != "") ||
			problem.Reason != test.reason || problem.Affected != Schema {
			t.Errorf("%s: got %+v", name, problem)
		}
	}
}

func TestTheWorstProblemComesFirst(t *testing.T) {
	result := Result{}
	result.Add(Result{Problems: []Problem{{Reason: "a", Affected: Schema}}, Checked: 1})
	result.Add(Result{
		Problems: []Problem{{Reason: "b", Affected: Namespaces}, {Reason: "c", Affected: Quotas}}, Checked: 2,
	})
	if result.Problems[0].Reason != "b" || result.Problems[2].Reason != "a" || result.Checked != 3 || result.IsGood() {
		t.Errorf("got %+v", result)
	}
}
