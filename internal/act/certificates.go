// SPDX-License-Identifier: Apache-2.0

package act

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// certificates stores what the plan says. What cert-manager causes does not keep the server from being looked after.
func (e *execution) certificates(ctx context.Context, c *plan.Certificates) error {
	e.watchSource(c)
	if c == nil {
		return e.forgetTrust(ctx)
	}
	if err := e.certManager(ctx, c); err != nil || e.out.Certificates.Found() {
		return err
	}
	if c.Problem.Found() {
		return nil
	}
	return e.refuse(&e.out.Certificates, e.store(ctx, c))
}

// forgetTrust removes what is stored of an object that the spec does not reference any more: once it references one
// again, earlier CAs would be trusted again.
func (e *execution) forgetTrust(ctx context.Context) error {
	if e.s.Spec.ExistingService == nil || manifests.TrustsSource(e.s.ExtensionAPI) {
		return nil
	}
	return e.removeLeft(ctx, inventory.OfTrust())
}

// watchRecheck is when an object is read again that was not watched when it was read.
const watchRecheck = time.Second

// watchSource watches the object of another owner, and stops that when it is known that none is used.
func (e *execution) watchSource(c *plan.Certificates) {
	switch {
	case c != nil && c.Watched != nil:
		if e.Sources.Watch(e.s.Name, *c.Watched) {
			e.out.After(watchRecheck)
		}
	case c != nil || e.s.Namespace.IsKnown() && !e.s.RunsServer() && !e.s.TrustsSource():
		e.Sources.Forget(e.s.Name)
	}
}

// certManager requests a certificate, or removes what was requested before another source was chosen.
func (e *execution) certManager(ctx context.Context, c *plan.Certificates) error {
	if !c.OfCertManager {
		return e.removeLeft(ctx, inventory.OfCertManager())
	}
	if !e.Observer.CertManager {
		e.out.Certificates = diagnosis.CertManagerDisabled()
		return nil
	}
	e.out.After(e.s.Policy().Interval) // the Certificate is not watched, as its kind may not exist
	certificate := manifests.Certificate(e.s.ExtensionAPI, manifests.ServingNames(e.s.ExtensionAPI))
	if _, err := e.applier.Apply(ctx, certificate); err != nil {
		e.out.Certificates = certManagerTrouble(err)
	} else if c.Problem.Found() && c.Source.Pending == "" {
		e.out.After(refusalRetry) // until cert-manager reports why
	}
	return nil
}

// certManagerTrouble is why the Certificate could not be applied.
func certManagerTrouble(err error) finding.Finding {
	if kinds.IsUnknown(err) {
		return diagnosis.CertManagerMissing()
	}
	if found, refused := refusal(err); refused {
		return found
	}
	return diagnosis.CertificateNotApplied(err)
}

// store goes one step further in a rotation.
func (e *execution) store(ctx context.Context, c *plan.Certificates) error {
	stored := e.s.Certificates.Value().Stored
	if e.out.DryRun {
		return e.dryRunCertificates(ctx, c, stored)
	}
	e.lookAtPeers(c)
	if c.Rotation == nil {
		return nil
	}
	err := e.storeCertificates(ctx, c.Source.Signer, c.Rotation.State, stored.Record)
	if e.out.Stored = err == nil; e.out.Stored {
		e.out.After(c.Rotation.CheckAfter)
	}
	return err
}

// dryRunCertificates finds out which Secrets would get other content, now or at the end of a rotation, and whether
// those that stay were changed by another owner. What is planned is not dry-run: each plan has another new certificate.
func (e *execution) dryRunCertificates(ctx context.Context, c *plan.Certificates, stored rotation.Stored) error {
	if len(stored.Bundle) == 0 {
		stored.Bundle = e.s.Trust()
	}
	if err := e.storeCertificates(ctx, stored.Signer, stored.State, stored.Record); err != nil {
		return err
	}
	bundle, err := cert.EncodeCertificates(c.Source.Authorities...)
	if c.Source.Replace != "" {
		e.applier.Withhold("Secret", client.ObjectKey{
			Namespace: e.s.Spec.Server.Namespace, Name: manifests.ServingSecretName(e.s.Name),
		})
	}
	if !bytes.Equal(bundle, stored.Bundle) {
		e.applier.Withhold("Secret", client.ObjectKey{
			Namespace: e.Observer.OperatorNamespace, Name: manifests.TrustSecretName(e.s.Name),
		})
	}
	return err
}

// storeCertificates writes the trust first: a serving certificate without its signer would be issued again. The record
// comes last, since it is about the serving certificate. The bundle is kept with the signer, where no one in the
// server's namespace can add a CA to it; the server's own copy is for users to look at.
func (e *execution) storeCertificates(
	ctx context.Context, signer pki.KeyPair, state rotation.State, stored rotation.Record,
) error {
	if err := e.storeTrust(ctx, signer, state.Bundle, stored); err != nil {
		return err
	}
	if len(state.Serving.Certificate) > 0 { // else lost, and not reissued yet
		_, err := e.applier.Apply(ctx, manifests.ServingSecret(e.s.ExtensionAPI, state.Serving, state.Bundle))
		if err != nil {
			return err
		}
	}
	return e.storeTrust(ctx, signer, state.Bundle, state.Record)
}

func (e *execution) storeTrust(
	ctx context.Context, signer pki.KeyPair, bundle []byte, record rotation.Record,
) error {
	encoded, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = e.applier.Apply(ctx,
		manifests.TrustSecret(e.s.ExtensionAPI, e.Observer.OperatorNamespace, signer, bundle, encoded))
	return err
}
