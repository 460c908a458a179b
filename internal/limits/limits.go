// SPDX-License-Identifier: Apache-2.0

// Package limits is the one place that decides how much a server may cost the operator.
package limits

// Document bounds the reading of a JSON document. The work is proportional to Bytes; what is held in memory meanwhile,
// to Token.
type Document struct {
	// Bytes is the length of the document.
	Bytes int64
	// Token is the length of one string or number, in bytes, and of white space in one piece.
	Token int64
	// Depth is how deep objects and arrays may be nested.
	Depth int
}

// Of what a server answers.
var (
	// Discovery is for the discovery documents of one server. They take some kilobytes, but adapters for metrics list
	// tens of thousands of resources.
	Discovery = Document{Bytes: 4 << 20, Token: 64 << 10, Depth: 64}
	// ClusterDiscovery is for the aggregated discovery of a whole cluster, which takes megabytes in large ones.
	ClusterDiscovery = Document{Bytes: 64 << 20, Token: 64 << 10, Depth: 64}
	// ObjectList is for a list of metadata, in which one annotation may take 256 KiB (k8s.io/apimachinery
	// pkg/api/validation/objectmeta.go) before it is escaped. Servers that know no limit list all objects.
	ObjectList = Document{Bytes: 64 << 20, Token: 1 << 20, Depth: 64}
	// Status is for an answer with an error, of which one sentence is of interest.
	Status = Document{Bytes: 16 << 10, Token: 16 << 10, Depth: 64}
)

const (
	// Text is how much of another component's text is quoted, in bytes, where a message continues after it.
	Text = 512
	// Checks is how much of kube-apiserver's list of its health checks is read, in bytes. It takes some kilobytes.
	Checks = 256 << 10
	// GroupVersions is how many are kept of a cluster's aggregated discovery. There is an APIService for each.
	GroupVersions = 10_000
	// VersionsOfGroup is how many versions a group may have: one that is named only after them is read into memory.
	VersionsOfGroup = 1_000
	// CountedResources is how many resources have their objects counted before a group-version is unregistered.
	CountedResources = 64
	// Chain is how many certificates a server may serve. Clients need two or three.
	Chain = 10
)
