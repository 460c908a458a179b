// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// harm is an answer that discovery does not show.
type harm struct {
	// name of the ExtensionAPI.
	name string
	// what describes it in docs/troubleshooting/faults.md.
	what      string
	behaviour behaviour
	reason    string
}

var (
	deletable = []extensionserver.Resource{extensionserver.DeletableResource}
	watchable = []extensionserver.Resource{extensionserver.WatchedResource}
)

var harms = []harm{
	{
		"list-500", "LIST answers 500, of a resource that can be deleted",
		behaviour{Resources: deletable, List: extensionserver.Fault{Status: http.StatusInternalServerError}},
		v1alpha1.ReasonListFails,
	},
	{
		"list-403", "LIST answers 403",
		behaviour{Resources: watchable, List: extensionserver.Fault{Status: http.StatusForbidden}},
		v1alpha1.ReasonListFails,
	},
	{
		"list-page", "LIST answers a web page",
		behaviour{Resources: watchable, List: extensionserver.Fault{Body: extensionserver.Malformed}},
		v1alpha1.ReasonListFails,
	},
	{
		"no-protobuf", "LIST answers 406 to a client that prefers protobuf",
		behaviour{Resources: watchable, RefusesProtobuf: true},
		v1alpha1.ReasonListFails,
	},
	{
		"no-bookmark", "WATCH accepts `sendInitialEvents`, and sends no bookmark",
		behaviour{Resources: watchable, InitialEvents: extensionserver.WithoutBookmark},
		v1alpha1.ReasonWatchWithoutBookmark,
	},
	{
		"no-watch", "WATCH answers 500",
		behaviour{Resources: watchable, Watch: extensionserver.Fault{Status: http.StatusInternalServerError}},
		v1alpha1.ReasonWatchFails,
	},
	{
		"differing", "GET /apis leaves a resource out",
		behaviour{
			Resources:        append(watchable, deletable...),
			LeftOutResources: []string{extensionserver.DeletableResource.Name},
		},
		v1alpha1.ReasonDiscoveryDiffers,
	},
	{
		"no-openapi-v2", "OpenAPI v3 is served without v2",
		behaviour{Resources: watchable, OpenAPIV2: extensionserver.Fault{Status: http.StatusNotFound}},
		v1alpha1.ReasonOpenAPIV2Missing,
	},
	{
		"broken-openapi", "OpenAPI v2 is a web page",
		behaviour{Resources: watchable, OpenAPIV2: extensionserver.Fault{Body: extensionserver.Malformed}},
		v1alpha1.ReasonOpenAPIBroken,
	},
}

// A rollout repairs each server, so that the check after it is tested, too.
func TestHarmfulListsAndWatchesAreReported(t *testing.T) {
	docs := openFaultDocs(t)
	for _, harm := range harms {
		t.Run(harm.name, func(t *testing.T) {
			t.Parallel()
			extensionAPI := harm.start(t)
			reported := eventually(t, faultReported, harm.isReported(extensionAPI, docs))
			eventually(t, faultReported, doctored(harm.name))
			harm.repair(t, extensionAPI)
			cleared := eventually(t, faultReported, is(extensionAPI, v1alpha1.ConditionServesObjects, yes,
				v1alpha1.ReasonObjectsServed, ""))
			progress("%s: %s was reported after %s, and its repair after %s", harm.what, harm.reason, reported, cleared)
		})
	}
}

// start runs a server whose containers keep the behaviour when they are restarted, and lets the operator read its
// objects.
func (h harm) start(t *testing.T) *v1alpha1.ExtensionAPI {
	t.Helper()
	group := h.name + ".example.com"
	createObject(t, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{
			Name: h.name + ":object-reader", Labels: map[string]string{diagnosis.ObjectReaderLabel: "true"},
		},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{group}, Resources: []string{"gadgets", "readings"}, Verbs: []string{"list", "watch"},
		}},
	})
	extensionAPI := faultServerAPI(h.name, group, "v1")
	setBehaviour(t, &extensionAPI.Spec, h.behaviour)
	createUntilCleanup(t, extensionAPI)
	return extensionAPI
}

// repair rolls out a server without the fault.
func (h harm) repair(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	current, err := currently(t.Context(), extensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	change(t, current, func(spec *v1alpha1.ExtensionAPISpec) {
		setBehaviour(t, spec, behaviour{Resources: h.behaviour.Resources})
	})
}

func setBehaviour(t *testing.T, spec *v1alpha1.ExtensionAPISpec, behaviour behaviour) {
	t.Helper()
	content, err := json.Marshal(behaviour)
	if err != nil {
		t.Fatal(err)
	}
	container := &spec.Server.Template.Spec.Containers[0]
	container.Args = append(slices.Clone(container.Args), "--behaviour="+string(content))
}

// isReported succeeds when ServesObjects reports it as documented, and the API is Ready all the same.
func (h harm) isReported(extensionAPI *v1alpha1.ExtensionAPI, docs *faultDocs) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		serves := conditionOf(current, v1alpha1.ConditionServesObjects)
		if serves.Status != no || serves.Reason != h.reason ||
			conditionOf(current, v1alpha1.ConditionReady).Status != yes {
			return fmt.Errorf("want ServesObjects=False %s and Ready=True, have %s", h.reason, describe(current))
		}
		return docs.check(h.what, serves)
	}
}

// A restarted kube-controller-manager waits for the informers of all resources before it looks at any ResourceQuota.
func TestWatchWithoutBookmarkFreezesEveryResourceQuota(t *testing.T) {
	onlyLong(t)
	freezing := harm{
		"freezing", "WATCH of a resource that can be created and deleted sends no bookmark",
		behaviour{Resources: deletable, InitialEvents: extensionserver.WithoutBookmark},
		v1alpha1.ReasonWatchWithoutBookmark,
	}
	docs := openFaultDocs(t)
	extensionAPI := freezing.start(t)
	eventually(t, faultReported, freezing.isReported(extensionAPI, docs))

	const namespace = "frozen-quota"
	createNamespace(t, namespace)
	killComponent(t, controllerManager)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "frozen"},
		Spec: corev1.ResourceQuotaSpec{
			Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")},
		},
	}
	createObject(t, quota)
	const frozenFor = time.Minute
	if took, err := poll(t.Context(), frozenFor, hasStatus(quota)); err == nil {
		t.Fatalf("the ResourceQuota has a status after %s", took)
	}
	freezing.repair(t, extensionAPI)
	took := eventually(t, 5*time.Minute, hasStatus(quota))
	progress("the ResourceQuota had no status for %s, and had one %s after the repair", frozenFor, took)
}

func hasStatus(quota *corev1.ResourceQuota) func(context.Context) error {
	return func(ctx context.Context) error {
		current := &corev1.ResourceQuota{}
		err := kube.Get(ctx, client.ObjectKeyFromObject(quota), current)
		if err == nil && len(current.Status.Hard) == 0 {
			err = fmt.Errorf("ResourceQuota %s has no status", quota.Name)
		}
		return err
	}
}
