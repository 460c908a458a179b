// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Certificates is what to do about the certificates of a server, or the CAs that verify it.
type Certificates struct {
	Source rotation.Source
	// Problem is for another owner to solve first; nothing is found otherwise.
	Problem finding.Finding
	// Rotation is what to store, nil while that is not known.
	Rotation *rotation.Plan
	// Handshakes are made with these peers, none while no rotation depends on what they serve.
	Handshakes []snapshot.Peer
	// Watched is an object that another owner writes, nil for none.
	Watched *manifests.Source
	// OfCertManager reports whether a Certificate is requested; otherwise, what was requested earlier is removed.
	OfCertManager bool

	recheck time.Duration
}

// Replaces is why the serving certificate is replaced, empty where it is not.
func (c *Certificates) Replaces() string {
	if c == nil || c.Rotation == nil {
		return ""
	}
	return c.Rotation.Replaced
}

// certificates plans a step further towards the wanted serving certificate, or the CAs that verify one of another
// owner.
func certificates(s *snapshot.Snapshot) (*Certificates, error) {
	switch read, known := s.Certificates.Get(); {
	case known && s.TrustsSource():
		return trust(s, read)
	case known && s.RunsServer():
		return serving(s, read)
	default:
		return nil, nil
	}
}

// serving plans a step further towards the wanted serving certificate.
func serving(s *snapshot.Snapshot, read snapshot.Certificates) (*Certificates, error) {
	c := &Certificates{}
	spec := ptr.Deref(s.Spec.Server.Certificates, v1alpha1.Certificates{})
	var err error
	switch {
	case spec.SecretRef != nil:
		c.Watched = new(manifests.SecretSource(s.Spec.Server.Namespace, spec.SecretRef.Name))
		c.provided(s, read)
		c.Source.Renew = "Put a new one there"
	case spec.CertManager != nil:
		c.OfCertManager = true
		c.provided(s, read)
		c.Source.Renew = "See why cert-manager does not: kubectl describe certificate " + manifests.CertManagerName(s.Name)
		c.Source.Pending = read.Pending
		c.awaitCertManager(s)
	default:
		c.Source, err = managedSource(s, read.Stored)
	}
	switch {
	case err != nil:
		return c, err
	case c.Problem.Found():
		c.recheckServed(s, read.Stored.State)
		return c, nil
	default:
		return c, c.rotate(s, read.Stored)
	}
}

// awaitCertManager replaces what a user would do about a Secret that does not exist yet.
func (c *Certificates) awaitCertManager(s *snapshot.Snapshot) {
	if c.Problem.Code != v1alpha1.ReasonSecretNotFound {
		return
	}
	waiting := "waiting for cert-manager to issue Certificate " + manifests.CertManagerName(s.Name)
	c.Problem.Evidence, c.Problem.Remedy = cmp.Or(c.Source.Pending, waiting), ""
}

// recheckServed is for when something else is to be reported of what Pods are given.
func (c *Certificates) recheckServed(s *snapshot.Snapshot, state rotation.State) {
	served := rotation.ServedFrom(state, manifests.ServingHost(s.Backend), s.Now)
	if served.Leaf() != nil {
		c.recheck = Soonest(c.recheck, c.Source.Changes(served).Sub(s.Now))
	}
}

func managedSource(s *snapshot.Snapshot, stored rotation.Stored) (rotation.Source, error) {
	request := certificateRequest(s)
	signer, wanted, err := rotation.Managed(stored.Signer, stored.Serving, request, s.Now)
	return rotation.Source{
		Desired: wanted,
		Signer:  signer,
		Renewal: request.RenewalTime,
		Changes: func(served rotation.Served) time.Time {
			return request.NextChange(served.Leaf(), wanted.Authorities[0], s.Now)
		},
	}, err
}

// certificateRequest is in whole seconds, as certificates are.
func certificateRequest(s *snapshot.Snapshot) pki.Request {
	request := pki.Request{
		Name:       s.Name,
		DNSNames:   manifests.ServingNames(s.ExtensionAPI),
		Validity:   v1alpha1.DefaultValidity,
		CAValidity: v1alpha1.DefaultCAValidity,
	}
	certificates := ptr.Deref(s.Spec.Server.Certificates, v1alpha1.Certificates{})
	managed := ptr.Deref(certificates.Managed, v1alpha1.ManagedCertificates{})
	if managed.Validity != nil {
		request.Validity = managed.Validity.Truncate(time.Second)
	}
	if managed.CAValidity != nil {
		request.CAValidity = managed.CAValidity.Truncate(time.Second)
	}
	request.KeyAlgorithm = cmp.Or(managed.KeyAlgorithm, v1alpha1.KeyECDSA256)
	request.RenewBefore = request.Validity / 3
	if managed.RenewBefore != nil {
		request.RenewBefore = managed.RenewBefore.Duration
	}
	if managed.RotateServingAfter != nil {
		request.RotateServingAfter = managed.RotateServingAfter.Truncate(time.Second)
	}
	if managed.RotateCAAfter != nil {
		request.RotateCAAfter = managed.RotateCAAfter.Truncate(time.Second)
	}
	return request
}

// provided uses the certificate from a Secret that another owner writes, after it was checked.
func (c *Certificates) provided(s *snapshot.Snapshot, read snapshot.Certificates) {
	name := manifests.ProvidedSecretName(s.ExtensionAPI)
	c.Source = rotation.Source{
		Secret: name, Changes: func(served rotation.Served) time.Time { return served.NextWarning(s.Now) },
	}
	secret, host := read.Provided, manifests.ServingHost(s.Backend)
	if secret == nil {
		c.Problem = diagnosis.SecretNotFound(s.Spec.Server.Namespace, name)
		return
	}
	pair := pki.KeyPairOf(secret.Data)
	authorities, err := pki.CheckProvided(pair, secret.Data[manifests.CABundleKey], host, s.Now)
	if err != nil {
		// Time alone may solve it: a certificate that is not valid yet.
		c.recheck = s.Policy().Interval
		c.Problem = diagnosis.SecretRefused(s.Spec.Server.Namespace, name, err)
		return
	}
	c.Source.Desired = rotation.Provided(read.Stored.Serving, pair, authorities, host)
}

// rotate plans what can be stored now. Nothing is, before it is known what the Pods serve where that matters.
func (c *Certificates) rotate(s *snapshot.Snapshot, stored rotation.Stored) error {
	server, known := s.Server.Get()
	if !known || !s.Registered.IsKnown() {
		return nil // what they need is not known
	}
	next, err := rotation.Next(stored.State, c.Source.Desired, rotation.Observed{
		CABundles: s.CABundles(),
		Pods:      func() []rotation.Pod { return c.lookAt(s, peersOf(s, server.Pods)) },
	}, s.Now)
	if err != nil || !c.hasLooked(s) {
		return err
	}
	c.Rotation = &next
	c.recheckServed(s, next.State)
	return nil
}

// peersOf are the Pods that may serve.
func peersOf(s *snapshot.Snapshot, pods []corev1.Pod) (peers []snapshot.Peer) {
	for i := range pods {
		pod := &pods[i]
		if !workload.MayServe(pod) {
			continue
		}
		peer := snapshot.Peer{ID: string(pod.UID), Name: pod.Name}
		if pod.Status.PodIP != "" {
			peer.Address = endpoints.OfPod(pod, manifests.ServerPort(pod, s.Spec.Server)).Address
		}
		peers = append(peers, peer)
	}
	return peers
}

var errNoHandshake = errors.New("no handshake yet")

// lookAt plans handshakes with the peers, and returns the last ones.
func (c *Certificates) lookAt(s *snapshot.Snapshot, peers []snapshot.Peer) (last []rotation.Pod) {
	c.Handshakes = peers
	for _, peer := range peers {
		served, found := s.Handshakes.ByPeer[peer.ID]
		if !found {
			served = rotation.Pod{Name: peer.Name, Err: errNoHandshake}
		}
		last = append(last, served)
	}
	return last
}

// hasLooked reports whether there have been handshakes, where a rotation depends on them.
func (c *Certificates) hasLooked(s *snapshot.Snapshot) bool {
	return len(c.Handshakes) == 0 || !s.Handshakes.Ended.IsZero()
}
