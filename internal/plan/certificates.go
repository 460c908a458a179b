// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Certificates is what to do about the certificates of a server.
type Certificates struct {
	Source rotation.Source
	// Problem is for another owner to solve first; nothing is found otherwise.
	Problem finding.Finding
	// Rotation is what to store, nil while that is not known.
	Rotation *rotation.Plan
	// Handshakes are made with these Pods, none while no rotation depends on what they serve.
	Handshakes []corev1.Pod
	// Watched is the name of a Secret that another owner writes, empty for none.
	Watched string
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

// certificates plans a step further towards the wanted serving certificate.
func certificates(s *snapshot.Snapshot) (*Certificates, error) {
	read, known := s.Certificates.Get()
	if !known || !s.RunsServer() {
		return nil, nil
	}
	c := &Certificates{}
	spec := ptr.Deref(s.Spec.Server.Certificates, v1alpha1.Certificates{})
	var err error
	switch {
	case spec.SecretRef != nil:
		c.Watched = spec.SecretRef.Name
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
	pods := slices.DeleteFunc(slices.Clone(server.Pods), func(pod corev1.Pod) bool { return !workload.MayServe(&pod) })
	next, err := rotation.Next(stored.State, c.Source.Desired, rotation.Observed{
		CABundles: s.CABundles(),
		Pods: func() []rotation.Pod {
			c.Handshakes = pods
			return lastHandshakes(pods, s.Handshakes)
		},
	}, s.Now)
	if err != nil {
		return err
	}
	if len(c.Handshakes) > 0 && s.Handshakes.Ended.IsZero() {
		return nil
	}
	c.Rotation = &next
	c.recheckServed(s, next.State)
	return nil
}

var errNoHandshake = errors.New("no handshake yet")

func lastHandshakes(pods []corev1.Pod, last snapshot.Handshakes) []rotation.Pod {
	var result []rotation.Pod
	for i := range pods {
		served, found := last.ByPod[pods[i].UID]
		if !found {
			served = rotation.Pod{Name: pods[i].Name, Err: errNoHandshake}
		}
		result = append(result, served)
	}
	return result
}
