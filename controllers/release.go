// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// release leaves everything as it is, its marks included: an ExtensionAPI of the same name may take it all back.
// It is not for a server whose namespace ends or is gone, where an APIService would block the deletion of every other
// namespace.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	if err := r.letGo(ctx, s); err != nil {
		return err
	}
	r.sendEvents(s, []report.Note{report.Normal(v1alpha1.ReasonReleased, releasedMessage(s.ExtensionAPI), nil)})
	return nil
}

func releasedMessage(extensionAPI *v1alpha1.ExtensionAPI) string {
	message := fmt.Sprintf("the ExtensionAPI is deleted, and everything of it runs on, for you to look after "+
		"(spec.deletionPolicy: Orphan); an ExtensionAPI named %s with spec.adoptionPolicy: Adopt takes it back. Delete its "+
		"APIServices before its namespace, or that blocks the deletion of every other one", extensionAPI.Name)
	if certificate := extensionAPI.Status.Certificate; certificate != nil {
		message += fmt.Sprintf(". Nobody renews the serving certificate, with which the API ends %s",
			pki.Timestamp(certificate.NotAfter.Time))
	}
	return message
}
