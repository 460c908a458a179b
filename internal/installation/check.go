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
)

// finding is one line of the report.
type finding struct {
	mark mark
	text string
}

type mark string

const (
	markOK mark = "ok"
	// markWarning is for what the operator does not cause, or what could not be determined.
	markWarning mark = "warning"
	markFailed  mark = "FAILED"
)

// Check writes a line to out for each requirement of a working operator, and for each ExtensionAPI that is not Ready.
// It returns an error if a requirement is not met, and waits up to 45 seconds for the operator. The operator's leader
// renews the Lease. config is that of c, which needs only the permissions in the chart's templates/tests.
func Check(ctx context.Context, config *rest.Config, c client.WithWatch, lease client.ObjectKey, out io.Writer) error {
	servers := aggregation.NewKubeAPIServers(config, c, clock.RealClock{})
	layer := aggregation.NewLayer(servers, c, clock.RealClock{})
	failed := 0
	for _, check := range []func() []finding{
		func() []finding { return []finding{permissionsFinding(createWithoutPermissions(ctx, c))} },
		func() []finding { return layerFindings(layer.Configuration(ctx)) },
		func() []finding { return []finding{awaitLeader(ctx, c, lease)} },
		func() []finding { return checkExtensionAPIs(ctx, c) },
	} {
		for _, found := range check() {
			if _, err := fmt.Fprintf(out, "%-8s %s\n", found.mark, found.text); err != nil {
				return err
			}
			if found.mark == markFailed {
				failed++
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("the installation does not work: see the lines above that begin with %s (%d)", markFailed, failed)
	}
	return nil
}
