// SPDX-License-Identifier: Apache-2.0

package terminating

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

var (
	noon   = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	wardle = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}
	other  = schema.GroupVersion{Group: "example.com", Version: "v1"}
)

// deleted returns a namespace that is being deleted, with a condition.
func deleted(conditionType corev1.NamespaceConditionType, message string) *corev1.Namespace {
	return with(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "team-a", DeletionTimestamp: new(metav1.NewTime(noon)),
	}}, conditionType, message)
}

func with(
	namespace *corev1.Namespace, conditionType corev1.NamespaceConditionType, message string,
) *corev1.Namespace {
	namespace.Status.Conditions = append(namespace.Status.Conditions, corev1.NamespaceCondition{
		Type: conditionType, Status: corev1.ConditionTrue, Message: message, LastTransitionTime: metav1.NewTime(noon),
	})
	return namespace
}

// undiscovered is a failure of discovery in the namespace controller's words.
func undiscovered(failed map[schema.GroupVersion]error) *corev1.Namespace {
	err := &discovery.ErrGroupDiscoveryFailed{Groups: failed}
	return deleted(corev1.NamespaceDeletionDiscoveryFailure,
		fmt.Sprintf("Discovery failed for some groups, %d failing: %v", len(failed), err))
}

func undeleted(count int, failures string) *corev1.Namespace {
	return deleted(corev1.NamespaceDeletionContentFailure,
		fmt.Sprintf("Failed to delete all resource types, %d remaining: %s", count, failures))
}

func remains(resources string) *corev1.Namespace {
	return deleted(corev1.NamespaceContentRemaining, "Some resources are remaining: "+resources)
}

func stale(groupVersion schema.GroupVersion) error {
	return fmt.Errorf("stale GroupVersion discovery: %v", groupVersion)
}

// internal is a LIST that a server answers 500, as it was seen on a cluster.
const internal = `an error on the server ("unknown") has prevented the request from succeeding`

func TestANamespaceWaitsForTheAPIThatItsConditionsName(t *testing.T) {
	v2 := schema.GroupVersion{Group: wardle.Group, Version: "v2"}
	unlike := schema.GroupVersion{Group: "my." + wardle.Group, Version: "v1"}
	for name, test := range map[string]struct {
		namespace *corev1.Namespace
		cause     Cause
		names     []string
	}{
		"its group-version is stale": {
			undiscovered(map[schema.GroupVersion]error{wardle: stale(wardle)}), Undiscovered, []string{"wardle.example.com/v1"},
		},
		"it is one of several": {
			undiscovered(map[schema.GroupVersion]error{other: stale(other), wardle: errors.New("503")}),
			Undiscovered,
			[]string{"wardle.example.com/v1"},
		},
		"a URL contains its group-version": {
			deleted(corev1.NamespaceDeletionDiscoveryFailure,
				`Get "https://10.0.0.1:6443/apis/wardle.example.com/v1?timeout=32s": context deadline exceeded`),
			Undiscovered,
			[]string{"wardle.example.com/v1"},
		},
		"another version is stale":         {undiscovered(map[schema.GroupVersion]error{v2: stale(v2)}), None, nil},
		"a group with its name at the end": {undiscovered(map[schema.GroupVersion]error{unlike: stale(unlike)}), None, nil},
		"a group at the end of its name":   {undiscovered(map[schema.GroupVersion]error{other: stale(other)}), None, nil},
		"all of discovery fails": {
			deleted(corev1.NamespaceDeletionDiscoveryFailure, "the server is currently unable to handle the request"), None, nil,
		},
		"its objects are not deleted": {
			undeleted(1, "unexpected items still remain in namespace: team-a for gvr: wardle.example.com/v1, Resource=flunders"),
			Undeleted,
			[]string{"wardle.example.com"},
		},
		"its objects may not be deleted": {
			undeleted(1, `flunders.wardle.example.com is forbidden: User "system:serviceaccount:kube-system:`+
				`namespace-controller" cannot list resource "flunders" in API group "wardle.example.com"`),
			Undeleted,
			[]string{"wardle.example.com"},
		},
		"objects of a group with its name at the end may not be deleted": {
			undeleted(1, `User "x" cannot list resource "a" in API group "my.wardle.example.com" in the namespace "team-a"`),
			None, nil,
		},
		"objects of another group are not deleted": {
			undeleted(1, "unexpected items still remain in namespace: team-a for gvr: my.wardle.example.com/v1, Resource=a"),
			None, nil,
		},
		"requests fail, of no group": {undeleted(1, internal), None, nil},
		"its objects remain": {
			remains("flunders.wardle.example.com has 1 resource instances, pods. has 2 resource instances"),
			Remaining,
			[]string{"flunders.wardle.example.com"},
		},
		"objects remain whose resource is no name": {
			remains("flunders; rm -rf x.wardle.example.com has 1 resource instances"), Remaining, []string{"wardle.example.com"},
		},
		"objects of others remain": {
			remains("a.my.wardle.example.com has 1 resource instances, pods. has 2 resource instances"), None, nil,
		},
		"finalizers remain": {
			deleted(corev1.NamespaceFinalizersRemaining, "Some content in the namespace has finalizers remaining: "+
				"wardle.example.com/hold in 1 resource instances"), None, nil,
		},
		"its objects remain, and discovery fails": {
			with(undiscovered(map[schema.GroupVersion]error{wardle: stale(wardle)}), corev1.NamespaceContentRemaining,
				"Some resources are remaining: flunders.wardle.example.com has 1 resource instances"),
			Undiscovered,
			[]string{"wardle.example.com/v1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := By(test.namespace, []schema.GroupVersion{wardle}, false)
			if got.Cause != test.cause || !slices.Equal(got.Names, test.names) {
				t.Errorf("it waits with cause %d for %q, want %d for %q", got.Cause, got.Names, test.cause, test.names)
			}
			if got.Cause != None && (got.Namespace != "team-a" || !got.Since.Equal(noon) || got.Report == "") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAFailureThatNamesNoGroupIsThatOfASuspectAPI(t *testing.T) {
	const named = "unexpected items still remain in namespace: team-a for gvr: /v1, Resource=pods"
	for name, test := range map[string]struct {
		namespace *corev1.Namespace
		want      Cause
	}{
		"a failed request":              {undeleted(1, internal), Suspected},
		"a webhook":                     {undeleted(1, `Internal error occurred: failed calling webhook "a": EOF`), None},
		"objects of another group":      {undeleted(1, named), None},
		"both":                          {undeleted(2, internal+", "+named), Suspected},
		"a failure in unknown words":    {deleted(corev1.NamespaceDeletionContentFailure, "it fails"), None},
		"a failure without any words":   {undeleted(1, ""), Suspected},
		"discovery of no group at all":  {deleted(corev1.NamespaceDeletionDiscoveryFailure, "503"), None},
		"objects that remain of others": {remains("pods. has 2 resource instances"), None},
	} {
		t.Run(name, func(t *testing.T) {
			if got := By(test.namespace, []schema.GroupVersion{wardle}, true); got.Cause != test.want {
				t.Errorf("the cause is %d, want %d", got.Cause, test.want)
			}
			if got := By(test.namespace, nil, true); got.Cause != None {
				t.Errorf("it waits for an API that has no group-version: %+v", got)
			}
		})
	}
}
