// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// StandIn is what is known of the stand-in without a request.
type StandIn struct {
	Service manifests.Backend
	// CABundle returns the CAs that verify it, nil while there is no certificate.
	CABundle func() []byte
	// KubeAPIServers returns how many there are, 0 while that is not known.
	KubeAPIServers func() int
	// Started is when this operator began to work.
	Started time.Time
}

// standIn reads whether the stand-in can serve discovery. What cannot be read keeps it from being begun, and does not
// end it.
func (o *Observer) standIn(ctx context.Context, s *snapshot.Snapshot) snapshot.StandIn {
	if o.StandIn == nil || s.Backend.Key() == o.StandIn.Service.Key() { // it cannot stand in for itself
		return snapshot.StandIn{}
	}
	result := snapshot.StandIn{
		Service: o.StandIn.Service, CABundle: o.StandIn.CABundle(),
		KubeAPIServers: o.StandIn.KubeAPIServers(), Started: o.StandIn.Started,
	}
	documents := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: o.OperatorNamespace, Name: manifests.DocumentsName(s.Name)}
	if err := o.Client.Get(ctx, key, documents); err != nil {
		return result
	}
	if manifests.HasStandIn(s.ExtensionAPI) && ownership.IdentityOf(s.ExtensionAPI).Owns(documents) {
		result.Documented = manifests.DocumentedIn(documents)
	}
	return result
}

// reachable reports whether the Service of the stand-in has a ready endpoint. It is of no ExtensionAPI, so it is not in
// the cache.
func (o *Observer) reachable(ctx context.Context, s *snapshot.Snapshot) bool {
	behind, err := readEndpoints(ctx, o.Live, s.StandIn.Service)
	if err != nil {
		ctrl.LoggerFrom(ctx).Info("cannot read the endpoints of the stand-in", "error", err.Error())
	}
	return len(behind.Ready) > 0
}

// needsStandIn reports whether the stand-in may have to serve, so that its Service is worth a look.
func needsStandIn(s *snapshot.Snapshot) bool {
	return len(s.StandIn.Documented) > 0 && len(s.Available()) < len(s.Registered.Value()) ||
		s.FailsThroughKubeAPIServer()
}
