// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// errUnknownKind is client-go's error for a path that kube-apiserver does not serve.
var errUnknownKind = apierrors.NewGenericServerResponse(
	http.StatusNotFound, "create", schema.GroupResource{}, "", "404 page not found", 0, true)

func TestOnlyARejectionByThePolicyIsOK(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		want   finding.Severity
		text   string
	}{
		"rejected by the policy": {
			errors.New("extensionapis is forbidden: ValidatingAdmissionPolicy 'extensionapi-operator-rights' with binding " +
				"'extensionapi-operator-rights' denied request: may not"),
			finding.Info, "rejects those of users without the permissions",
		},
		"accepted":           {nil, finding.Critical, "extensionapi-operator-rights is missing or not in force"},
		"unknown kind":       {errUnknownKind, finding.Critical, "Install the CustomResourceDefinition"},
		"rejected otherwise": {errors.New("the server is currently unable"), finding.Critical, "currently unable"},
		"invalid for an old CRD": {
			errors.New(`unknown field "spec.server"`), finding.Critical, "matches the version of the chart",
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, permissionsFinding(test.answer), test.want, test.text) })
	}
}

func TestLayerFindings(t *testing.T) {
	for name, test := range map[string]struct {
		layer aggregation.Configuration
		want  finding.Severity
		text  string
	}{
		"configured": {aggregation.Configuration{}, finding.Info, "is configured"},
		"misconfigured": {
			aggregation.Configuration{Missing: []string{"no key"}}, finding.Critical, "no key. Set these flags",
		},
		"not known": {
			aggregation.Configuration{Unknown: []string{"no answer"}}, finding.Warning, "is configured: no answer",
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, layerFindings(test.layer)[0], test.want, test.text) })
	}
}

func TestExtensionAPIsThatAreNotReadyAreListed(t *testing.T) {
	named := func(name string, conditions ...metav1.Condition) v1alpha1.ExtensionAPI {
		e := v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
		e.Status.Conditions = conditions
		return e
	}
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}
	crashing := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "CrashLoopBackOff", Message: "it exits",
	}
	for name, test := range map[string]struct {
		extensionAPIs []v1alpha1.ExtensionAPI
		want          finding.Severity
		text          []string
	}{
		"none": {nil, finding.Info, []string{"there is no ExtensionAPI yet"}},
		"all Ready": {
			[]v1alpha1.ExtensionAPI{named("a", ready), named("b", ready)}, finding.Info, []string{"every ExtensionAPI is Ready"},
		},
		"two not": {
			[]v1alpha1.ExtensionAPI{named("a", crashing), named("b", ready), named("c")},
			finding.Warning,
			[]string{"ExtensionAPI a is not Ready (CrashLoopBackOff): it exits", "ExtensionAPI c is not Ready (Pending)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			findings := extensionAPIFindings(test.extensionAPIs)
			if len(findings) != len(test.text) {
				t.Fatalf("got %v, want %q", findings, test.text)
			}
			for i := range findings {
				expect(t, findings[i], test.want, test.text[i])
			}
		})
	}
}

func TestUnavailableAPIServicesAreListedWhoeverOwnsThem(t *testing.T) {
	service := &apiregistrationv1.ServiceReference{Namespace: "monitoring", Name: "metrics"}
	named := func(name string, status apiregistrationv1.ConditionStatus) apiregistrationv1.APIService {
		return apiregistrationv1.APIService{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       apiregistrationv1.APIServiceSpec{Service: service},
			Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{{
				Type: apiregistrationv1.Available, Status: status, Reason: "MissingEndpoints", Message: "no endpoints",
			}}},
		}
	}
	good, bad := named("v1.a", apiregistrationv1.ConditionTrue), named("v1.b", apiregistrationv1.ConditionFalse)
	expect(t, apiServiceFindings([]apiregistrationv1.APIService{good})[0], finding.Info, "every APIService is available")
	findings := apiServiceFindings([]apiregistrationv1.APIService{good, bad})
	if len(findings) != 1 {
		t.Fatalf("got %v", findings)
	}
	expect(t, findings[0], finding.Warning, "v1.b as unavailable: no endpoints")
	expect(t, findings[0], finding.Warning, "kubectl -n monitoring get endpointslices")
}

func TestLeaderIsTheOneThatRenewsTheLease(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	held := func(holder string, after time.Duration) watch.Event {
		return watch.Event{Type: watch.Modified, Object: &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &holder, RenewTime: new(metav1.NewMicroTime(start.Add(after))),
		}}}
	}
	deleted := watch.Event{Type: watch.Deleted, Object: &coordinationv1.Lease{}}
	for name, test := range map[string]struct {
		events  []watch.Event
		renewed bool
		text    string
	}{
		"no event":                     {nil, false, "there is no Lease system/operator"},
		"it is deleted":                {[]watch.Event{held("a", 0), deleted}, false, "there is no Lease system/operator"},
		"it has no holder":             {[]watch.Event{held("", 0)}, false, "Lease system/operator has no holder"},
		"its holder does not renew it": {[]watch.Event{held("a", 0)}, false, "is held by a, which does not renew it"},
		"it is changed, not renewed":   {[]watch.Event{held("a", 0), held("a", 0)}, false, "which does not renew it"},
		"it is taken, not yet renewed": {[]watch.Event{held("a", 0), held("b", time.Second)}, false, "is held by b"},
		"it is renewed":                {[]watch.Event{held("a", 0), held("a", time.Second)}, true, ""},
		"it is renewed by another": {
			[]watch.Event{held("a", 0), held("b", time.Second), held("b", 2*time.Second)}, true, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen, renewed := &observation{lease: client.ObjectKey{Namespace: "system", Name: "operator"}}, false
			for _, event := range test.events {
				var err error
				if renewed, err = seen.isRenewed(event); err != nil {
					t.Fatal(err)
				}
			}
			if renewed != test.renewed {
				t.Errorf("renewed: %t, want %t", renewed, test.renewed)
			}
			if problem := seen.problem().Message(); !renewed && !strings.Contains(problem, test.text) {
				t.Errorf("%q does not contain %q", problem, test.text)
			}
		})
	}
}

func TestFailedWatchIsAnError(t *testing.T) {
	seen := &observation{}
	for _, object := range []watch.Event{
		{Type: watch.Error, Object: &metav1.Status{Message: "too old"}}, {Type: watch.Added, Object: &corev1.Pod{}},
	} {
		if renewed, err := seen.isRenewed(object); renewed || err == nil {
			t.Errorf("got %t, %v for %v", renewed, err, object)
		}
	}
}

func expect(t *testing.T, got finding.Finding, want finding.Severity, text string) {
	t.Helper()
	if got.Severity != want || !strings.Contains(got.Message(), text) {
		t.Errorf("got %s %q, want %s with %q", marks[got.Severity], got.Message(), marks[want], text)
	}
}
