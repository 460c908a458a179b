// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// View is the path that a discovery request takes.
type View string

const (
	// ViewKubeAPIServer probes through a kube-apiserver, as clients do.
	ViewKubeAPIServer View = "kube-apiserver"
	// ViewService probes the Service's address, which shows whether the cluster's network routes requests yet.
	ViewService View = "service"
	// ViewEndpoint probes one replica directly.
	ViewEndpoint View = "endpoint"
)

// Document is the requested document.
type Document string

const (
	// DocumentGroupVersion is the discovery of a group-version, /apis/GROUP/VERSION: what clients and kube-apiserver's
	// availability check request.
	DocumentGroupVersion Document = "group-version"
	// DocumentAPIs is the aggregated discovery of all that a server serves, /apis: what kube-apiserver requests every
	// minute.
	DocumentAPIs Document = "apis"
	// DocumentOpenAPI is the list of the OpenAPI v3 documents, /openapi/v3. kube-apiserver downloads it while all readers
	// of its own OpenAPI wait (kube-aggregator pkg/controllers/openapiv3/aggregator/aggregator.go).
	DocumentOpenAPI Document = "openapi"
)

// Key identifies a probe: the view, the address and the document.
type Key struct {
	View View
	// Address is the host:port of the kube-apiserver, the Service or the replica.
	Address string
	// Pod behind the address, if known: another Pod may get the same address later.
	Pod string
	// Since distinguishes the runs of a replica, see Replica.
	Since    int64
	Document Document
	// GroupVersion is empty for documents that cover all group-versions.
	GroupVersion schema.GroupVersion
}

// ThroughKubeAPIServer is the discovery of a group-version as clients see it.
func ThroughKubeAPIServer(address string, groupVersion schema.GroupVersion) Key {
	return Key{View: ViewKubeAPIServer, Address: address, Document: DocumentGroupVersion, GroupVersion: groupVersion}
}

// AtService is the discovery of a group-version at the Service's address.
func AtService(address string, groupVersion schema.GroupVersion) Key {
	return Key{View: ViewService, Address: address, Document: DocumentGroupVersion, GroupVersion: groupVersion}
}

// AtEndpoint is the discovery of a group-version directly from a replica.
func AtEndpoint(replica Replica, groupVersion schema.GroupVersion) Key {
	key := documentAt(replica, DocumentGroupVersion)
	key.GroupVersion = groupVersion
	return key
}

func documentAt(replica Replica, document Document) Key {
	return Key{
		View: ViewEndpoint, Address: replica.Address, Pod: replica.Pod, Since: replica.Since, Document: document,
	}
}

func (k Key) path() string {
	switch k.Document {
	case DocumentAPIs:
		return "/apis"
	case DocumentOpenAPI:
		return "/openapi/v3"
	default:
		return "/apis/" + k.GroupVersion.String()
	}
}

// isOf reports whether the key probes that replica.
func (k Key) isOf(replica endpoints.Endpoint) bool {
	return k.View == ViewEndpoint && k.Address == replica.Address && k.Pod == replica.Pod
}

// compareKeys defines a stable order of keys.
func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Document, b.Document), cmp.Compare(a.GroupVersion.Group, b.GroupVersion.Group),
		cmp.Compare(a.GroupVersion.Version, b.GroupVersion.Version), cmp.Compare(a.View, b.View),
		cmp.Compare(a.Address, b.Address), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Since, b.Since))
}
