// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// issueInterval is the time between two looks at the certificate. A lost Secret is written again after that.
const issueInterval = time.Minute

// Issuer keeps the certificate of the stand-in, by the same plan as those of servers. Only the leader runs it.
type Issuer struct {
	Client client.Client
	// Live reads around the cache.
	Live  client.Reader
	Clock clock.Clock
	// Service is that of the stand-in.
	Service manifests.Backend
}

// Start keeps the certificate until ctx is done. It implements manager.Runnable.
func (i *Issuer) Start(ctx context.Context) error {
	for {
		wait, err := i.step(ctx)
		if err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Error(err, "keeping the certificate of the stand-in; retrying")
		}
		if wait <= 0 || wait > issueInterval {
			wait = issueInterval
		}
		select {
		case <-ctx.Done():
			return nil
		case <-i.Clock.After(wait):
		}
	}
}

// step goes a step further towards the wanted certificate, and returns when to go on, 0 for at the interval.
func (i *Issuer) step(ctx context.Context) (time.Duration, error) {
	secret, err := i.secret(ctx)
	if err != nil {
		return 0, err
	}
	bundles, err := i.bundles(ctx)
	if err != nil {
		return 0, err
	}
	wanted, next, err := i.plan(storedIn(secret.Data), bundles,
		func() []rotation.Pod { return i.served(ctx) })
	if err != nil || maps.EqualFunc(wanted.Data, secret.Data, bytes.Equal) {
		return next, err
	}
	return next, i.Client.Apply(ctx, wanted, client.FieldOwner(ownership.FieldOwner), client.ForceOwnership)
}

// plan returns the wanted Secret, and when to go on. bundles are those of the APIServices that lead to the stand-in,
// and pods what the operator's replicas serve.
func (i *Issuer) plan(
	stored rotation.Stored, bundles [][]byte, pods func() []rotation.Pod,
) (*core.SecretApplyConfiguration, time.Duration, error) {
	now := i.Clock.Now()
	signer, desired, err := rotation.Managed(stored.Signer, stored.Serving, i.request(), now)
	if err != nil {
		return nil, 0, err
	}
	next, err := rotation.Next(stored.State, desired, rotation.Observed{CABundles: bundles, Pods: pods}, now)
	if err != nil {
		return nil, 0, err
	}
	record, err := json.Marshal(next.Record)
	return manifests.StandInSecret(i.Service.Namespace, signer, next.Serving, next.Bundle, record), next.CheckAfter, err
}

// request is for the defaults of a server's certificate.
func (i *Issuer) request() pki.Request {
	return pki.Request{
		Name:         manifests.StandInName,
		DNSNames:     []string{manifests.ServingHost(i.Service)},
		KeyAlgorithm: v1alpha1.KeyECDSA256,
		Validity:     v1alpha1.DefaultValidity,
		RenewBefore:  v1alpha1.DefaultValidity / 3,
		CAValidity:   v1alpha1.DefaultCAValidity,
	}
}

// secret returns an empty one where there is none.
func (i *Issuer) secret(ctx context.Context) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: i.Service.Namespace, Name: manifests.StandInName}
	return secret, client.IgnoreNotFound(i.Live.Get(ctx, key, secret))
}

func storedIn(data map[string][]byte) (stored rotation.Stored) {
	stored.Serving, stored.Bundle = pki.KeyPairOf(data), data[manifests.CABundleKey]
	stored.Signer = manifests.StandInSigner(data)
	_ = json.Unmarshal(data[manifests.RotationKey], &stored.Record) // a lost record costs time only
	return stored
}

// bundles are those of the APIServices that lead to the stand-in, and that the operator keeps up: any other would have
// a rotation wait for ever.
func (i *Issuer) bundles(ctx context.Context) (bundles [][]byte, err error) {
	registered, owners := &apiregistrationv1.APIServiceList{}, &v1alpha1.ExtensionAPIList{}
	err = errors.Join(i.Client.List(ctx, registered, client.UnsafeDisableDeepCopy),
		i.Client.List(ctx, owners, client.UnsafeDisableDeepCopy))
	for at := range registered.Items {
		apiService := &registered.Items[at]
		owns := func(e v1alpha1.ExtensionAPI) bool { return e.Name == apiService.Labels[manifests.OwnerLabel] }
		if i.Service.IsBackendOf(apiService) && slices.ContainsFunc(owners.Items, owns) {
			bundles = append(bundles, apiService.Spec.CABundle)
		}
	}
	return bundles, err
}

// served is what each replica of the operator serves. Without their addresses, a replica is assumed that cannot be
// reached: a rotation waits longer for it.
func (i *Issuer) served(ctx context.Context) (pods []rotation.Pod) {
	service := &corev1.Service{}
	err := i.Live.Get(ctx, i.Service.Key(), service)
	if err != nil {
		return []rotation.Pod{{Name: manifests.StandInName, Err: err}}
	}
	endpointSlices, err := endpoints.List(ctx, i.Live, i.Service.Key())
	if err != nil {
		return []rotation.Pod{{Name: manifests.StandInName, Err: err}}
	}
	_, ready := endpoints.Behind(service, i.Service.Port, endpointSlices)
	for _, endpoint := range ready {
		chain, err := handshake.Served(ctx, endpoint.Address, manifests.ServingHost(i.Service))
		pods = append(pods, rotation.Pod{Name: endpoint.String(), Chain: chain, Err: err})
	}
	return pods
}
