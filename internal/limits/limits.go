// SPDX-License-Identifier: Apache-2.0

// Package limits is the single place for the bounds on what a server may cost the operator.
package limits

// Document bounds the reading of a JSON document. The work is proportional to Bytes, the memory to Token.
type Document struct {
	// Bytes is the maximum length of the document.
	Bytes int64
	// Token is the maximum length of one string, number or run of white space, in bytes.
	Token int64
	// Depth is the maximum nesting depth of objects and arrays.
	Depth int
}

// Bounds on responses.
var (
	// Discovery is for the discovery documents of one server. They take some kilobytes, but metrics adapters list tens of
	// thousands of resources.
	Discovery = Document{Bytes: 4 << 20, Token: 64 << 10, Depth: 64}
	// ClusterDiscovery is for the aggregated discovery of a whole cluster, which takes megabytes in large ones.
	ClusterDiscovery = Document{Bytes: 64 << 20, Token: 64 << 10, Depth: 64}
	// ObjectList is for a list of metadata, in which one annotation may take 256 KiB (k8s.io/apimachinery
	// pkg/api/validation/objectmeta.go) before it is escaped. Servers that do not support limit list all objects.
	ObjectList = Document{Bytes: 64 << 20, Token: 1 << 20, Depth: 64}
	// OpenAPI is for the OpenAPI v2 of one server, which takes some hundred kilobytes.
	OpenAPI = Document{Bytes: 32 << 20, Token: 1 << 20, Depth: 64}
	// Status is for an error response, of which only one sentence is used.
	Status = Document{Bytes: 16 << 10, Token: 16 << 10, Depth: 64}
)

const (
	// Text is how much of another component's text is quoted in a message that continues after it, in bytes.
	Text = 512
	// Checks is how much of kube-apiserver's list of its health checks is read, in bytes. It takes some kilobytes.
	Checks = 256 << 10
	// GroupVersions is how many group-versions of a cluster's aggregated discovery are kept. There is an APIService for
	// each.
	GroupVersions = 10_000
	// VersionsOfGroup is how many versions a group may have: if its name follows them, they are kept in memory.
	VersionsOfGroup = 1_000
	// StoredDocument is the maximum length of a document that is kept for the stand-in, in bytes. They are read into
	// memory.
	StoredDocument = 1 << 20
	// StoredResources is how many resources are kept of one server for the stand-in: each takes about 1 KiB of memory.
	StoredResources = 10_000
	// ServedResources is how many resources of all servers the stand-in holds in memory.
	ServedResources = 50_000
	// StoredOpenAPI is the maximum length of the compressed OpenAPI of one server, in bytes. An object in the API may take
	// 1.5 MiB.
	StoredOpenAPI = 512 << 10
	// StoredDiscovery is the maximum length of the compressed discovery of one server, in bytes.
	StoredDiscovery = 256 << 10
	// CountedResources is for how many resources objects are counted before a group-version is unregistered.
	CountedResources = 64
	// CheckedResources is of how many resources of a group-version the objects are checked.
	CheckedResources = 64
	// ComparedResources is how many resources the aggregated discovery of one server may have to be compared with that of
	// its group-versions: they are kept in memory.
	ComparedResources = 1_000
	// Chain is the maximum length of a served certificate chain. Clients need two or three certificates.
	Chain = 10
)
