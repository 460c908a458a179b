// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/json"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/test/memory"
)

// fuzz makes documents from a beginning, a part that is repeated up to 256 KiB, and an end, so that small inputs give
// large documents.
func fuzz(f *testing.F, opening string, check func(t *testing.T, document []byte)) {
	f.Helper()
	f.Add("", "", "", uint(0))
	f.Add(opening, "{},", "{}]}", uint(100_000))
	f.Add(opening, "[", "", uint(100_000))
	f.Add(opening, `{"":`, "", uint(100_000))
	f.Add(opening+`{"name":"`, "n", `"}]}`, uint(100_000))
	f.Add(`{"groupVersion":"`, `\u001b`, `"}`, uint(100_000))
	f.Add("", " ", opening, uint(100_000))
	f.Add("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "\xec\xc0\x01\x01\x00\x00\x00\x82", "", uint(100)) // gzip
	f.Fuzz(func(t *testing.T, beginning, repeated, end string, times uint) {
		const most = 256 << 10
		times = min(times, most/uint(max(1, len(repeated))))
		check(t, []byte(beginning+strings.Repeat(repeated, int(times))+end))
	})
}

// checkMemory fails if reading allocates more than a few copies of the data. For the position of an error, jsontext
// makes many copies of a long name, one after the other. It may call read several times.
func checkMemory(t *testing.T, data []byte, read func() error) {
	t.Helper()
	const copies, copiesForError, overhead = 4, 64, 1 << 20
	most := uint64(copies*len(data) + overhead)
	if read() != nil {
		most = uint64(copiesForError*len(data) + overhead)
	}
	if memory.Least(most, func() { _ = read() }) > most {
		t.Errorf("reading %d bytes takes more than %d bytes of memory", len(data), most)
	}
}

// decodes reports whether Kubernetes decodes a document of moderate size without an error.
func decodes(data []byte, into any) bool {
	if len(data) > 64<<10 {
		return false
	}
	doubts, err := json.UnmarshalStrict(data, into, json.DisallowDuplicateFields)
	return err == nil && len(doubts) == 0 && !bytes.Equal(bytes.TrimSpace(data), []byte("null"))
}

// checkFailure fails if a response is rejected that Kubernetes would accept, unless it is too large.
func checkFailure(t *testing.T, err error) {
	t.Helper()
	if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch {
		t.Errorf("Kubernetes decodes it, but: %v", err)
	}
}

func FuzzResourceList(f *testing.F) {
	fuzz(f, `{"groupVersion":"a/v1","resources":[`, func(t *testing.T, data []byte) {
		t.Helper()
		var got ResourceList
		var listable int
		var err error
		checkMemory(t, data, func() error {
			got, err = ReadResourceList(bytes.NewReader(data))
			return err
		})
		checkMemory(t, data, func() error {
			listable = 0
			return EachResource(bytes.NewReader(data), func(resource Resource) error {
				if resource.Listable {
					listable++
				}
				return nil
			})
		})
		want := metav1.APIResourceList{}
		if !decodes(data, &want) {
			return
		}
		if err != nil {
			checkFailure(t, err)
			return
		}
		if got != countResources(want) || listable != countWith(want, "list") {
			t.Errorf("got %+v, %d of them listable, of %+v", got, listable, want)
		}
	})
}

func countWith(list metav1.APIResourceList, verb string) int {
	count := 0
	for _, resource := range list.APIResources {
		if slices.Contains(resource.Verbs, verb) {
			count++
		}
	}
	return count
}

func countResources(list metav1.APIResourceList) ResourceList {
	counted := ResourceList{GroupVersion: list.GroupVersion, Resources: len(list.APIResources)}
	list.APIResources = slices.DeleteFunc(slices.Clone(list.APIResources), func(resource metav1.APIResource) bool {
		return strings.Contains(resource.Name, "/")
	})
	counted.Deletable = countWith(list, "delete")
	for _, resource := range list.APIResources {
		if slices.ContainsFunc(resource.Verbs, func(verb string) bool { return verb != "get" && verb != "" }) {
			counted.MoreThanGet++
		}
	}
	return counted
}

func FuzzGroupList(f *testing.F) {
	f.Add(`{"items":[{"versions":[`, "{},", "{}]}]}", uint(100))
	f.Add(`{"items":[{"versions":[{"resources":[`, "{},", "{}]}]}]}", uint(100_000))
	fuzz(f, `{"kind":"APIGroupDiscoveryList","items":[`, func(t *testing.T, data []byte) {
		t.Helper()
		for _, bounds := range []limits.Document{limits.Discovery, limits.ClusterDiscovery} {
			checkGroupList(t, data, bounds)
		}
	})
}

func checkGroupList(t *testing.T, data []byte, bounds limits.Document) {
	t.Helper()
	kind, got := "", map[schema.GroupVersion]Version{}
	var err error
	checkMemory(t, data, func() error {
		kind, err = EachVersion(bytes.NewReader(data), bounds, func(version Version) error {
			if len(got) < 10 {
				got[version.GroupVersion] = version
			}
			return nil
		})
		return err
	})
	list := apidiscoveryv2.APIGroupDiscoveryList{}
	if !decodes(data, &list) {
		return
	}
	want := versionsIn(list)
	switch {
	case err != nil:
		checkFailure(t, err)
	case len(want) < 10 && (kind != list.Kind || !maps.Equal(got, want)):
		t.Errorf("got %+v of a %q, want %+v of a %q", got, kind, want, list.Kind)
	}
}

func versionsIn(list apidiscoveryv2.APIGroupDiscoveryList) map[schema.GroupVersion]Version {
	versions := map[schema.GroupVersion]Version{}
	for _, group := range list.Items {
		for _, version := range group.Versions {
			groupVersion := schema.GroupVersion{Group: group.Name, Version: version.Version}
			versions[groupVersion] = Version{
				groupVersion, len(version.Resources), version.Freshness == apidiscoveryv2.DiscoveryFreshnessStale,
			}
		}
	}
	return versions
}

func FuzzObjectList(f *testing.F) {
	fuzz(f, `{"metadata":{"remainingItemCount":9223372036854775807},"items":[`, func(t *testing.T, data []byte) {
		t.Helper()
		var got int64
		var err error
		checkMemory(t, data, func() error {
			got, err = CountObjects(bytes.NewReader(data))
			return err
		})
		if got < 0 {
			t.Errorf("there are %d objects", got)
		}
		list := metav1.PartialObjectMetadataList{}
		if !decodes(data, &list) {
			return
		}
		want := int64(len(list.Items)) + max(0, ptr.Deref(list.RemainingItemCount, 0))
		switch {
		case err != nil:
			checkFailure(t, err)
		case want >= 0 && got != want:
			t.Errorf("there are %d objects, want %d", got, want)
		}
	})
}
