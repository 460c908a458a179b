// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/test/audit"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// serveObjects runs a server of NAME.example.com/v1, and registers it. The operator may read its objects before.
func serveObjects(t *testing.T, name string, behaviour extensionserver.Behaviour) *extensionserver.Local {
	t.Helper()
	permitObjects(t, name)
	return serveUnread(t, name, behaviour)
}

// serveUnread does the same, but the operator may not read the objects.
func serveUnread(t *testing.T, name string, behaviour extensionserver.Behaviour) *extensionserver.Local {
	t.Helper()
	backend, server := startBackend(t, name, "v1", "v2")
	if behaviour.Resources == nil {
		behaviour.Resources = []extensionserver.Resource{
			extensionserver.DeletableResource, extensionserver.WatchedResource,
		}
	}
	server.Behave(behaviour)
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	return server
}

func permitObjects(t *testing.T, name string) {
	t.Helper()
	resources, verbs := []string{"gadgets", "readings"}, []string{"list", "watch"}
	allowOperator(t, rbacv1.PolicyRule{APIGroups: []string{name + ".example.com"}, Resources: resources, Verbs: verbs})
	for _, resource := range resources {
		for _, verb := range verbs {
			awaitRight(t, true, operatorNamespace, operatorAccount,
				authorizationv1.ResourceAttributes{Verb: verb, Group: name + ".example.com", Resource: resource})
		}
	}
}

func TestServerThatHarmsTheClusterBesidesDiscoveryIsReported(t *testing.T) {
	t.Parallel()
	type behaviour = extensionserver.Behaviour
	fails := func(status int) extensionserver.Fault { return extensionserver.Fault{Status: status} }
	for name, test := range map[string]struct {
		behaviour behaviour
		want      condition
	}{
		"objects-good": {
			behaviour{}, isTrue(v1alpha1.ConditionServesObjects, v1alpha1.ReasonObjectsServed, "listed or watched, 2"),
		},
		"objects-refusing": {
			behaviour{InitialEvents: extensionserver.Refused},
			isTrue(v1alpha1.ConditionServesObjects, v1alpha1.ReasonObjectsServed),
		},
		"objects-list-500": {
			behaviour{List: fails(http.StatusInternalServerError)},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonListFails, "gadgets.v1.objects-list-500.example.com",
				"500 Internal Server Error (further problems: 1)", "Every namespace that is deleted stays Terminating"),
		},
		"objects-list-403": {
			behaviour{List: fails(http.StatusForbidden)},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonListFails, "LIST answered 403 Forbidden"),
		},
		"objects-list-page": {
			behaviour{List: extensionserver.Fault{Body: extensionserver.Malformed}},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonListFails, "no valid list of objects"),
		},
		"objects-no-protobuf": {
			behaviour{RefusesProtobuf: true},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonListFails, "406 Not Acceptable"),
		},
		"objects-no-bookmark": {
			behaviour{InitialEvents: extensionserver.WithoutBookmark},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonWatchWithoutBookmark,
				"gadgets.v1.objects-no-bookmark.example.com", "the status of every ResourceQuota of the cluster freezes"),
		},
		"objects-no-watch": {
			behaviour{Watch: fails(http.StatusInternalServerError)},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonWatchFails, "WATCH answered 500"),
		},
		"objects-differ": {
			behaviour{LeftOutResources: []string{"gadgets"}},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonDiscoveryDiffers, "gadgets is missing in GET /apis"),
		},
		"objects-no-v2": {
			behaviour{OpenAPIV2: fails(http.StatusNotFound)},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonOpenAPIV2Missing, "although there is GET /openapi/v3"),
		},
		"objects-broken-v2": {
			behaviour{OpenAPIV2: extensionserver.Fault{Body: extensionserver.Malformed}},
			isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonOpenAPIBroken, "GET /openapi/v2"),
		},
		"objects-none": {
			behaviour{Empty: []string{"objects-none.example.com/v1"}},
			isTrue(v1alpha1.ConditionServesObjects, v1alpha1.ReasonNoResources, "v1.objects-none.example.com"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serveObjects(t, name, test.behaviour)
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
				if err := isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady).check(e); err != nil {
					return err // it is registered all the same
				}
				return test.want.check(e)
			})
			if test.want.status == "False" {
				expectEvent(t, name, "Warning "+test.want.reason)
			}
		})
	}
}

func TestWhatTheOperatorMayNotReadIsUnknown(t *testing.T) {
	t.Parallel()
	const name = "objects-denied"
	server := serveUnread(t, name, extensionserver.Behaviour{})
	awaitRegistered(t, name)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isUnknown(v1alpha1.ConditionServesObjects, v1alpha1.ReasonNotPermitted,
			"kubectl create clusterrole objects-denied:object-reader --verb=list,watch "+
				"--resource=gadgets.objects-denied.example.com,readings.objects-denied.example.com",
			"aggregate-to-object-reader=true").check(e)
	})
	for path, count := range server.Requests()[extensionserver.KubeAPIServer] {
		if path != "/apis/"+name+".example.com/v1" && path != "/openapi/v2" && path != "/openapi/v3" && path != "/apis" {
			t.Errorf("%d requests for %s", count, path)
		}
	}
	permitObjects(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(name+".example.com", "v1", "v2") })
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isTrue(v1alpha1.ConditionServesObjects, v1alpha1.ReasonObjectsServed, "listed or watched, 4").check(e)
	})
}

func TestServedObjectsAreRequestedOnceForEachChange(t *testing.T) {
	t.Parallel()
	const name = "objects-once"
	v1, v2 := groupVersion(name+".example.com", "v1"), groupVersion(name+".example.com", "v2")
	server := serveObjects(t, name, extensionserver.Behaviour{})
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isTrue(v1alpha1.ConditionServesObjects, v1alpha1.ReasonObjectsServed).check(e)
	})
	// LIST and WATCH of both resources.
	eventually(t, func() error { return expectObjectRequests(v1, 4) })
	// Many rounds of probes and reconciliations are no reason to repeat them.
	consistently(t, func() error { return expectObjectRequests(v1, 4) })

	server.Behave(extensionserver.Behaviour{
		Resources: []extensionserver.Resource{extensionserver.DeletableResource},
		List:      extensionserver.Fault{Status: http.StatusInternalServerError},
	})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(name+".example.com", "v1", "v2") })
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isFalse(v1alpha1.ConditionServesObjects, v1alpha1.ReasonListFails).check(e)
	})
	eventually(t, func() error { return expectObjectRequests(v2, 2) })
	consistently(t, func() error { return expectObjectRequests(v2, 2) })
}

// expectObjectRequests succeeds if kube-apiserver has logged that many requests for objects of a group-version.
func expectObjectRequests(of schema.GroupVersion, want int) error {
	events, err := audit.Read(plane.dir, operatorUser)
	if err != nil {
		return err
	}
	requests := sets.New[types.UID]() // a watch is logged when it begins and when it ends
	for _, event := range events {
		if event.UserAgent == objectcheck.UserAgent && event.ObjectRef != nil &&
			event.ObjectRef.APIGroup == of.Group && event.ObjectRef.APIVersion == of.Version {
			requests.Insert(event.AuditID)
		}
	}
	if len(requests) != want {
		return fmt.Errorf("%d requests for objects of %s were logged, want %d", len(requests), of, want)
	}
	return nil
}
