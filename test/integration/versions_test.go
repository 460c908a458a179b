// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
)

// This file contains the differences between the supported versions of Kubernetes that affect tests.
// docs/reference/kubernetes-versions.md explains each.

// availableProvesTrust reports whether the server of an APIService that is reported as available has presented a
// certificate that its caBundle verifies.
func availableProvesTrust(t *testing.T) bool {
	t.Helper()
	return isAtLeast(t, "1.36")
}

// refusalsShowValues reports whether the error of a CEL rule of a CRD contains the rejected value, and not only its
// type.
func refusalsShowValues(t *testing.T) bool {
	t.Helper()
	return isAtLeast(t, "1.35")
}

// newServersSyncTheirPolicies reports whether the cluster has all kinds of policies that a server built on
// k8s.io/apiserver v0.36, such as the sample API server, must sync before it accepts a write.
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
	serverVersion, err := client.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	return version.MustParseGeneric(serverVersion.GitVersion).AtLeast(version.MustParseGeneric(minor))
}
