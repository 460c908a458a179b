// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
)

// This file has what the supported versions of Kubernetes do differently, as far as tests see it.
// docs/kubernetes-versions.md explains each.

// availableProvesTrust tells whether an APIService that is reported available has shown a certificate that its caBundle
// verifies.
func availableProvesTrust(t *testing.T) bool {
	t.Helper()
	return isAtLeast(t, "1.36")
}

// refusalsShowValues tells whether a refusal by a CEL rule of a CustomResourceDefinition names the value that it
// refuses, and not only its type.
func refusalsShowValues(t *testing.T) bool {
	t.Helper()
	return isAtLeast(t, "1.35")
}

// newServersSyncTheirPolicies tells whether the cluster has all policies that a server built on k8s.io/apiserver v0.36,
// such as the sample API server, waits for before it accepts a write.
func newServersSyncTheirPolicies(t *testing.T) bool {
	t.Helper()
	return isAtLeast(t, "1.36")
}

func isAtLeast(t *testing.T, minor string) bool {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	told, err := client.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	return version.MustParseGeneric(told.GitVersion).AtLeast(version.MustParseGeneric(minor))
}
