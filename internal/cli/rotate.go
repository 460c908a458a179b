// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// fieldOwner is the field manager of what this plugin writes.
const fieldOwner = "kubectl-extensionapi"

// rotate is the command.
type rotate struct {
	*options
	ca, dryRun bool
}

const rotateHelp = `Sets rotateServingAfter, or rotateCAAfter, in spec.server.certificates.managed to the
current time. The operator then replaces what was issued before, step by step and without a failed
request; kubectl extensionapi status shows the progress. Certificates of a Secret or of cert-manager
are renewed by their issuer instead.`

func rotateCommand(o *options) *cobra.Command {
	r := &rotate{options: o}
	command := &cobra.Command{
		Use:   "rotate EXTENSIONAPI",
		Short: "Replace the serving certificate of an ExtensionAPI, and its CA with --ca",
		Long:  rotateHelp,
		Example: "  kubectl extensionapi rotate wardle\n  kubectl extensionapi rotate wardle --ca\n" +
			"  kubectl extensionapi rotate wardle --ca --dry-run",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeExtensionAPI,
		RunE: func(command *cobra.Command, args []string) error {
			return r.run(command.Context(), args[0])
		},
	}
	command.Flags().BoolVar(&r.ca, "ca", false, "Replace the CA, and then the serving certificate")
	command.Flags().BoolVar(&r.dryRun, "dry-run", false, "Let kube-apiserver check the request, and change nothing")
	return command
}

func (r *rotate) run(ctx context.Context, name string) error {
	cluster, err := r.connect()
	if err != nil {
		return err
	}
	extensionAPI, err := read(ctx, cluster, name)
	if err != nil {
		return err
	}
	patch, err := rotation(extensionAPI, r.ca, r.clock.Now())
	if err != nil {
		return err
	}
	options := []client.PatchOption{client.FieldOwner(fieldOwner)}
	if r.dryRun {
		options = append(options, client.DryRunAll)
	}
	err = cluster.Client.Patch(ctx, extensionAPI, client.RawPatch(types.MergePatchType, patch), options...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "extensionapi.aggregation.extensionapi.dev/%s: %s%s\n", name, r.what(),
		map[bool]string{true: " (dry run)"}[r.dryRun])
	return err
}

func (r *rotate) what() string {
	if r.ca {
		return "rotation of the CA and the serving certificate requested"
	}
	return "rotation of the serving certificate requested"
}

// rotation returns the merge patch that requests a rotation at that time.
func rotation(extensionAPI *v1alpha1.ExtensionAPI, ca bool, at time.Time) ([]byte, error) {
	server, name := extensionAPI.Spec.Server, extensionAPI.Name
	switch {
	case server == nil:
		return nil, fmt.Errorf("ExtensionAPI %s registers an existing Service: whoever issues its certificate replaces it, "+
			"see kubectl extensionapi explain UserProvided", name)
	case extensionAPI.Spec.Suspend:
		return nil, fmt.Errorf("ExtensionAPI %s is suspended, so nothing would be replaced: set spec.suspend to false", name)
	case server.Certificates != nil && server.Certificates.SecretRef != nil:
		return nil, fmt.Errorf("the certificate of ExtensionAPI %s comes from Secret %s: replace it there", name,
			server.Certificates.SecretRef.Name)
	case server.Certificates != nil && server.Certificates.CertManager != nil:
		return nil, fmt.Errorf("cert-manager issues the certificate of ExtensionAPI %s: cmctl renew %s-cert-manager -n %s",
			name, name, server.Namespace)
	}
	field := "rotateServingAfter"
	if ca {
		field = "rotateCAAfter"
	}
	managed := map[string]any{field: at.UTC().Format(time.RFC3339)}
	certificates := map[string]any{"managed": managed}
	return json.Marshal(map[string]any{"spec": map[string]any{"server": map[string]any{"certificates": certificates}}})
}
