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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

// errUnknownKind is client-go's error for a path that kube-apiserver does not serve.
var errUnknownKind = apierrors.NewGenericServerResponse(
	http.StatusNotFound, "create", schema.GroupResource{}, "", "404 page not found", 0, true)

func TestOnlyARejectionByThePolicyIsOK(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		want   mark
		text   string
	}{
		"rejected by the policy": {
			errors.New("extensionapis is forbidden: ValidatingAdmissionPolicy 'extensionapi-operator-rights' with binding " +
				"'extensionapi-operator-rights' denied request: may not"), markOK, "rejects those of users without the permissions",
		},
		"accepted":               {nil, markFailed, "extensionapi-operator-rights is missing or not in force"},
		"unknown kind":           {errUnknownKind, markFailed, "install the CustomResourceDefinition"},
		"rejected otherwise":     {errors.New("the server is currently unable"), markFailed, "currently unable"},
		"invalid for an old CRD": {errors.New(`unknown field "spec.server"`), markFailed, "match the version of the chart?"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, permissionsFinding(test.answer), test.want, test.text) })
	}
}

func TestLayerFindings(t *testing.T) {
	for name, test := range map[string]struct {
		layer aggregation.Configuration
		want  mark
		text  string
	}{
		"configured":    {aggregation.Configuration{}, markOK, "is configured"},
		"misconfigured": {aggregation.Configuration{Missing: []string{"no key"}}, markFailed, "no key. Set these flags"},
		"not known":     {aggregation.Configuration{Unknown: []string{"no answer"}}, markWarning, "is configured: no answer"},
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
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Crashing", Message: "it exits",
	}
	for name, test := range map[string]struct {
		extensionAPIs []v1alpha1.ExtensionAPI
		want          mark
		text          []string
	}{
		"none": {nil, markOK, []string{"there is no ExtensionAPI yet"}},
		"all Ready": {
			[]v1alpha1.ExtensionAPI{named("a", ready), named("b", ready)}, markOK, []string{"every ExtensionAPI is Ready"},
		},
		"two not": {
			[]v1alpha1.ExtensionAPI{named("a", crashing), named("b", ready), named("c")},
			markWarning,
			[]string{"ExtensionAPI a is not Ready (Crashing): it exits", "ExtensionAPI c is not Ready (Pending)"},
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
			if problem := seen.problem(); !renewed && !strings.Contains(problem, test.text) {
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

func expect(t *testing.T, got finding, want mark, text string) {
	t.Helper()
	if got.mark != want || !strings.Contains(got.text, text) {
		t.Errorf("got %s %q, want %s with %q", got.mark, got.text, want, text)
	}
}
