// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// View is a way to look at discovery.
type View string

const (
	// ViewKubeAPIServer asks through a kube-apiserver, as clients do.
	ViewKubeAPIServer View = "kube-apiserver"
	// ViewService asks at the Service's address, which shows whether the cluster's network sends requests on already.
	ViewService View = "service"
	// ViewEndpoint asks one replica, without anything between.
	ViewEndpoint View = "endpoint"
)

// Document is what is asked for.
type Document string

const (
	// DocumentGroupVersion is the discovery of a group-version, /apis/GROUP/VERSION: what clients and kube-apiserver's
	// availability check ask for.
	DocumentGroupVersion Document = "group-version"
	// DocumentAPIs is the aggregated discovery of all that a server serves, /apis: what kube-apiserver asks for each
	// minute.
	DocumentAPIs Document = "apis"
	// DocumentOpenAPI is the list of the OpenAPI v3 documents, /openapi/v3. kube-apiserver downloads it while all readers
	// of its own wait (kube-aggregator pkg/controllers/openapiv3/aggregator/aggregator.go).
	DocumentOpenAPI Document = "openapi"
)

// Key names what is asked, where, and for what.
type Key struct {
	View View
	// Address is the host:port of the kube-apiserver, the Service or the replica.
	Address string
	// Pod behind the address, where it is known: another Pod may get the same address later.
	Pod      string
	Document Document
	// GroupVersion is empty for documents that speak of all.
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

// AtEndpoint is the discovery of a group-version straight from a replica.
func AtEndpoint(replica endpoints.Endpoint, groupVersion schema.GroupVersion) Key {
	key := documentAt(replica, DocumentGroupVersion)
	key.GroupVersion = groupVersion
	return key
}

func documentAt(replica endpoints.Endpoint, document Document) Key {
	return Key{View: ViewEndpoint, Address: replica.Address, Pod: replica.Pod, Document: document}
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

// isOf tells whether the key asks that replica.
func (k Key) isOf(replica endpoints.Endpoint) bool {
	return k.View == ViewEndpoint && k.Address == replica.Address && k.Pod == replica.Pod
}

// compareKeys brings keys into an order that is the same each time.
func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Document, b.Document), cmp.Compare(a.GroupVersion.Group, b.GroupVersion.Group),
		cmp.Compare(a.GroupVersion.Version, b.GroupVersion.Version), cmp.Compare(a.View, b.View),
		cmp.Compare(a.Address, b.Address), cmp.Compare(a.Pod, b.Pod))
}
