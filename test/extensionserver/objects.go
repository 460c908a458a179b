// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// Object exists of each resource in each group-version.
type Object struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// resourceVersion of every object and list: objects never change.
const resourceVersion = "1"

// listOrWatch responds to requests for a collection.
func (s *Server) listOrWatch(w http.ResponseWriter, r *http.Request) {
	behaviour := s.behaviourFor(w, r)
	resource, served := s.requestedResource(r, behaviour)
	switch {
	case !served:
		http.NotFound(w, r)
	case behaviour.RefusesProtobuf && strings.Contains(r.Header.Get("Accept"), "protobuf"):
		w.WriteHeader(http.StatusNotAcceptable)
	case isWatch(r):
		s.watch(w, r, behaviour, resource)
	default:
		behaviour.List.answer(w, r, listOf(r, behaviour, resource))
	}
}

func isWatch(r *http.Request) bool {
	return slices.Contains([]string{"true", "1"}, r.URL.Query().Get("watch"))
}

func listOf(r *http.Request, behaviour Behaviour, resource Resource) any {
	items := []any{}
	for _, object := range selected(r, behaviour) {
		items = append(items, document(r, resource, object))
	}
	groupVersion, kind := typeOf(r, resource)
	return map[string]any{
		"kind": kind + "List", "apiVersion": groupVersion,
		"metadata": map[string]any{"resourceVersion": resourceVersion}, "items": items,
	}
}

// typeOf returns the type of the objects in a response: clients may request only their metadata, in JSON.
func typeOf(r *http.Request, resource Resource) (groupVersion, kind string) {
	const metadata = "PartialObjectMetadata"
	if strings.Contains(r.Header.Get("Accept"), "application/json;as="+metadata) {
		return "meta.k8s.io/v1", metadata
	}
	return requestedGroupVersion(r).String(), resource.kind()
}

// selected returns the objects in the requested namespace with the requested name and labels, if the request has any.
// It ignores a selector that cannot be parsed.
func selected(r *http.Request, behaviour Behaviour) (objects []Object) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		selector = labels.Everything()
	}
	namespace, name := r.PathValue("namespace"), r.PathValue("name")
	for _, object := range behaviour.Objects {
		if object.Namespace == cmp.Or(namespace, object.Namespace) && object.Name == cmp.Or(name, object.Name) &&
			selector.Matches(labels.Set(object.Labels)) {
			objects = append(objects, object)
		}
	}
	return objects
}

// document returns an object in the requested form.
func document(r *http.Request, resource Resource, object Object) any {
	groupVersion, kind := typeOf(r, resource)
	uid := []string{requestedGroupVersion(r).Group, resource.Name, object.Namespace, object.Name}
	return map[string]any{"kind": kind, "apiVersion": groupVersion, "metadata": map[string]any{
		"namespace": object.Namespace, "name": object.Name, "labels": object.Labels,
		"uid":               strings.Join(uid, "/"),
		"resourceVersion":   resourceVersion,
		"creationTimestamp": "2026-01-01T00:00:00Z",
	}}
}

// deleteObjects deletes one object or a collection, of all resources, and ends all watches.
func (s *Server) deleteObjects(r *http.Request, behaviour Behaviour) any {
	if _, served := s.requestedResource(r, behaviour); !served {
		return nil
	}
	if behaviour.DeleteCollection.Status == 0 {
		s.forget(selected(r, behaviour))
	}
	return map[string]string{"kind": "Status", "apiVersion": "v1", "status": "Success"}
}

func (s *Server) forget(deleted []Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour.Objects = slices.DeleteFunc(slices.Clone(s.behaviour.Objects), func(object Object) bool {
		return slices.ContainsFunc(deleted, func(other Object) bool {
			return object.Namespace == other.Namespace && object.Name == other.Name
		})
	})
	s.endWatches()
}
