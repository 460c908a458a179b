// SPDX-License-Identifier: Apache-2.0

// Package installation checks the installation of the operator, for `helm test`.
package installation

import (
	"context"
	"fmt"
	"io"

	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// marks begin the lines of the report.
var marks = map[finding.Severity]string{finding.Info: "ok", finding.Warning: "warning", finding.Critical: "FAILED"}

func ok(evidence string) finding.Finding {
	return finding.Finding{Severity: finding.Info, Evidence: evidence}
}

// suspicious is for what the operator does not cause, or what could not be determined.
func suspicious(evidence string) finding.Finding {
	return finding.Finding{Severity: finding.Warning, Evidence: evidence}
}

func failed(evidence, remedy string) finding.Finding {
	return finding.Finding{Severity: finding.Critical, Evidence: evidence, Remedy: remedy}
}

// Check writes a line to out for each requirement of a working operator, and for each ExtensionAPI that is
// not Ready and each APIService that is not available, whoever owns it.
// It returns an error if a requirement is not met, and waits up to 45 seconds for the operator. The operator's leader
// renews the Lease. config is that of c, which needs only the permissions in the chart's templates/tests.
func Check(ctx context.Context, config *rest.Config, c client.WithWatch, lease client.ObjectKey, out io.Writer) error {
	servers := aggregation.NewKubeAPIServers(config, c, clock.RealClock{})
	layer := aggregation.NewLayer(servers, c, clock.RealClock{})
	failures := 0
	for _, check := range []func() []finding.Finding{
		func() []finding.Finding {
			return []finding.Finding{permissionsFinding(createWithoutPermissions(ctx, c))}
		},
		func() []finding.Finding { return layerFindings(layer.Configuration(ctx)) },
		func() []finding.Finding { return []finding.Finding{awaitLeader(ctx, c, lease)} },
		func() []finding.Finding { return checkExtensionAPIs(ctx, c) },
		func() []finding.Finding { return checkAPIServices(ctx, c) },
	} {
		for _, found := range check() {
			if _, err := fmt.Fprintf(out, "%-8s %s\n", marks[found.Severity], found.Message()); err != nil {
				return err
			}
			if found.Severity == finding.Critical {
				failures++
			}
		}
	}
	if failures > 0 {
		return fmt.Errorf("the installation does not work: see the lines above that begin with %s (%d)",
			marks[finding.Critical], failures)
	}
	return nil
}
