// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func gadgets(names ...string) (resources []objects.Resource) {
	for _, name := range names {
		resources = append(resources, objects.Resource{
			GroupVersion: groupVersion, Resource: documents.Resource{Name: name, Listable: true},
		})
	}
	return resources
}

func TestTheWorstProblemOfObjectsIsReported(t *testing.T) {
	list := objects.Problem{
		Reason: v1alpha1.ReasonListFails, Subject: "gadgets.v1.wardle.example.com", Evidence: "LIST answered 500",
		Affected: objects.Namespaces,
	}
	watch := objects.Problem{Reason: v1alpha1.ReasonWatchWithoutBookmark, Affected: objects.Quotas, Evidence: "WATCH"}
	for name, test := range map[string]struct {
		result objects.Result
		status metav1.ConditionStatus
		reason string
		says   []string
	}{
		"none": {objects.Result{Checked: 3}, "True", "ObjectsServed", []string{"listed or watched, 3"}},
		"none of some": {
			objects.Result{Checked: 64, Left: 2}, "True", "ObjectsServed", []string{"2 more were not checked"},
		},
		"nothing to check": {
			objects.Result{Empty: []schema.GroupVersion{groupVersion}}, "True", "NoResources", []string{apiServiceName},
		},
		"one": {
			objects.Result{Problems: []objects.Problem{list}},
			"False", "ListFails",
			[]string{"gadgets.v1.wardle.example.com: LIST answered 500. Every namespace", "Make the server answer LIST"},
		},
		"some": {
			objects.Result{Problems: []objects.Problem{list, watch, watch}},
			"False", "ListFails",
			[]string{"(further problems: 2)"},
		},
		"one that waits for a restart": {
			objects.Result{Problems: []objects.Problem{watch}},
			"False", "WatchWithoutBookmark",
			[]string{"after the next restart of kube-controller-manager, the status of every ResourceQuota"},
		},
		"one, although not all is known or permitted": {
			objects.Result{Problems: []objects.Problem{list}, Denied: gadgets("a"), Err: errors.New("timeout")},
			"False", "ListFails", nil,
		},
		"what is not permitted": {
			objects.Result{Denied: gadgets("b", "a", "a"), Checked: 1},
			"Unknown", "NotPermitted",
			[]string{
				"list and watch a.wardle.example.com,b.wardle.example.com.", "create clusterrole wardle:object-reader",
				"--resource=a.wardle.example.com,b.wardle.example.com", ObjectReaderLabel + "=true",
			},
		},
		"much that is not permitted": {
			objects.Result{Denied: gadgets(strings.Split("a b c d e f g h i j k l", " ")...)},
			"Unknown", "NotPermitted",
			[]string{"and 2 more"},
		},
		"what is not known": {
			objects.Result{Err: errors.New("timeout")}, "Unknown", "Pending", []string{"could not be checked: timeout"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Objects = snapshot.Objects{Result: test.result, Ended: s.Now}
			found := ServesObjects(s)
			if found.Status != test.status || found.Code != test.reason {
				t.Errorf("got %s %s", found.Status, found.Code)
			}
			for _, part := range test.says {
				if message := found.Message(); !strings.Contains(message, part) {
					t.Errorf("%q lacks %q", message, part)
				}
			}
		})
	}
}

func TestTheVerdictOnObjectsStaysUntilThereIsAnother(t *testing.T) {
	for name, checked := range map[string]snapshot.Objects{
		"not checked since the restart": {},
		"checked in vain":               {Result: objects.Result{Err: errors.New("timeout")}, Ended: snapshottest.Noon},
	} {
		s := snapshottest.New()
		snapshottest.Report(s, v1alpha1.ConditionServesObjects, "False", v1alpha1.ReasonListFails, "as it was")
		s.Objects = checked
		if found := ServesObjects(s); found.Status != "False" || found.Code != v1alpha1.ReasonListFails ||
			found.Message() != "as it was" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
