// SPDX-License-Identifier: Apache-2.0

package features

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"

	gearsv1 "example.com/cogs/apis/gears/v1"
)

// watchTimeout is how many seconds an event may take.
const watchTimeout int64 = 60

func pathOf(kind kind) string {
	return "/apis/" + kind.resource.Group + "/" + kind.resource.Version + "/" + kind.resource.Resource
}

func testTable(t *testing.T, kind kind) {
	create(t, kind, "printed")
	path := "/apis/" + kind.resource.Group + "/" + kind.resource.Version + "/namespaces/" + namespaceOf(t) + "/" +
		kind.resource.Resource
	var table metav1.Table
	decode(t, get(t, path, "application/json;as=Table;v=v1;g=meta.k8s.io"), &table)
	var columns []string
	for _, column := range table.ColumnDefinitions {
		columns = append(columns, column.Name)
	}
	if want := []string{"Name", "Class", "Ready", "Age"}; !slices.Equal(columns, want) || len(table.Rows) != 1 {
		t.Fatalf("columns are %v, rows %v", columns, table.Rows)
	}
	if cells := table.Rows[0].Cells; cells[0] != "printed" || cells[1] != "standard" || cells[2] != false {
		t.Errorf("the row is %v", cells)
	}
}

func decode(t *testing.T, answer answer, into any) {
	t.Helper()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", answer.Status, answer.content)
	}
	if err := json.Unmarshal(answer.content, into); err != nil {
		t.Fatal(err)
	}
}

func testBookmark(t *testing.T, kind kind) {
	_, c := create(t, kind, "watched")
	w, err := c.Watch(t.Context(), metav1.ListOptions{
		SendInitialEvents: new(true), AllowWatchBookmarks: true, TimeoutSeconds: new(watchTimeout),
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	expect(t, w, watch.Added, "watched")
	event := <-w.ResultChan()
	bookmark, _ := event.Object.(*unstructured.Unstructured)
	if event.Type != watch.Bookmark || bookmark.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Fatalf("after the initial events: %v", event)
	}
	if _, err := c.Create(t.Context(), object(kind, "later", "hello"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	expect(t, w, watch.Added, "later")
	resumed, err := c.Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: bookmark.GetResourceVersion(), TimeoutSeconds: new(watchTimeout),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resumed.Stop()
	expect(t, resumed, watch.Added, "later")
}

func expect(t *testing.T, w watch.Interface, kind watch.EventType, name string) {
	t.Helper()
	event := <-w.ResultChan()
	if object, ok := event.Object.(*unstructured.Unstructured); event.Type != kind || !ok || object.GetName() != name {
		t.Fatalf("want %s %s, got %v", kind, name, event)
	}
}

func testWatchOfSelector(t *testing.T, kind kind) {
	created, c := create(t, kind, "selected")
	w, err := c.Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: created.GetResourceVersion(), FieldSelector: "spec.class=fine", TimeoutSeconds: new(watchTimeout),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, class := range []string{"fine", "coarse"} {
		_ = unstructured.SetNestedField(created.Object, class, "spec", "class")
		if created, err = c.Update(t.Context(), created, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, w, watch.Added, "selected")
	expect(t, w, watch.Deleted, "selected")
}

func testOpenAPI(t *testing.T) {
	var v2 struct {
		Paths map[string]any `json:"paths"`
	}
	decode(t, get(t, "/openapi/v2", "application/json"), &v2)
	for _, kind := range kinds {
		for _, version := range []string{"v1", "v1beta1"} {
			served := kind.in(version)
			path := "/apis/" + served.resource.Group + "/" + version
			var v3 struct {
				Components struct {
					Schemas map[string]any `json:"schemas"`
				} `json:"components"`
			}
			decode(t, get(t, "/openapi/v3"+path, "application/json"), &v3)
			name := reversed(served.resource.Group) + "." + version + "." + kind.name
			if v3.Components.Schemas[name] == nil {
				t.Errorf("OpenAPI v3 of %s has no %s", path, name)
			}
			item := path + "/namespaces/{namespace}/" + served.resource.Resource + "/{name}"
			if v2.Paths[item] == nil || v2.Paths[item+"/status"] == nil {
				t.Errorf("OpenAPI v2 has no %s or no status below it", item)
			}
		}
	}
}

func reversed(group string) string {
	labels := strings.Split(group, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

func testProtobuf(t *testing.T) {
	for _, kind := range kinds {
		const protobuf = "application/vnd.kubernetes.protobuf"
		if response := get(t, pathOf(kind), protobuf); response.StatusCode != http.StatusNotAcceptable {
			t.Errorf("%s in protobuf: %s", kind.name, response.Status)
		}
		response := get(t, pathOf(kind), protobuf+",application/json")
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s in protobuf or JSON: %s, %s", kind.name, response.Status, response.Header.Get("Content-Type"))
		}
	}
}

func testDiscovery(t *testing.T) {
	response := get(t, "/apis", discovery.AcceptV2)
	if !strings.Contains(response.Header.Get("Content-Type"), "as=APIGroupDiscoveryList") {
		t.Errorf("discovery has the type %s", response.Header.Get("Content-Type"))
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	groups, resources, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		if group.PreferredVersion.Version != "v1" || len(group.Versions) != 2 {
			t.Errorf("group %s has the versions %v", group.Name, group.Versions)
		}
	}
	var names []string
	for _, list := range resources {
		for _, resource := range list.APIResources {
			names = append(names, list.GroupVersion+"/"+resource.Name)
		}
	}
	slices.Sort(names)
	want := []string{
		"billing.example.com/v1/invoices", "billing.example.com/v1/invoices/status",
		"billing.example.com/v1beta1/invoices", "billing.example.com/v1beta1/invoices/status",
		"gears.example.com/v1/clocks", "gears.example.com/v1/sprockets", "gears.example.com/v1/sprockets/status",
		"gears.example.com/v1beta1/sprockets", "gears.example.com/v1beta1/sprockets/status",
	}
	if !slices.Equal(names, want) {
		t.Errorf("resources are %v", names)
	}
}

func testComputed(t *testing.T) {
	clocks := kind{"Clock", schema.GroupVersion(gearsv1.GroupVersion).WithResource("clocks")}
	c := clientOf(t, config, clocks, "default")
	computed, err := c.Get(t.Context(), "sample", metav1.GetOptions{})
	if err != nil || field(computed, "message") != "hello" {
		t.Errorf("the object is %v: %v", computed, err)
	}
	if _, err := c.Get(t.Context(), "other", metav1.GetOptions{}); !errors.IsNotFound(err) {
		t.Errorf("an object that does not exist: %v", err)
	}
	others := metav1.ListOptions{FieldSelector: "metadata.name=other"}
	list, err := clientOf(t, config, clocks, "").List(t.Context(), others)
	if err != nil || len(list.Items) != 0 {
		t.Errorf("none is selected, but %v: %v", list, err)
	}
	_, err = c.Create(t.Context(), object(clocks, "new", ""), metav1.CreateOptions{})
	if !errors.IsMethodNotSupported(err) {
		t.Errorf("its creation: %v", err)
	}
}
