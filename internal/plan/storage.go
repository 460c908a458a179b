// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Storage is what to do for the storage of a server.
type Storage struct {
	// Problem is for another owner to solve first; nothing is found otherwise.
	Problem finding.Finding
	// Data is what the server's Pods mount, nil while nothing is to be stored.
	Data map[string][]byte
	// Rotation is of the certificates of a standalone etcd, and Signer its CA; nil for any other storage, and while it is
	// not known.
	Rotation *rotation.Plan
	Signer   pki.KeyPair
	// Runs reports whether to run a standalone etcd, and Starts whether it has what it needs.
	Runs, Starts bool
	// Target is what to look at, as often as LookAge.
	Target  storage.Target
	LookAge time.Duration
}

// store plans the storage of the server.
func (p *Plan) store(s *snapshot.Snapshot) (err error) {
	wanted := manifests.StorageOf(s.ExtensionAPI)
	read, known := s.Storage.Get()
	if wanted == nil || !known || !s.RunsServer() {
		return nil
	}
	p.Storage = &Storage{}
	switch {
	case wanted.Standalone != nil:
		err = p.standalone(s, read)
	case manifests.ProvidedStorageName(s.ExtensionAPI) != "":
		p.Storage.provided(s, read)
	}
	p.look(s, read)
	return err
}

// provided copies a valid Secret of another owner. It is not watched, and so read again with each look.
func (c *Storage) provided(s *snapshot.Snapshot, read snapshot.Storage) {
	name, wanted := manifests.ProvidedStorageName(s.ExtensionAPI), manifests.StorageOf(s.ExtensionAPI)
	if read.Provided == nil {
		c.Problem = diagnosis.StorageSecretNotFound(s.Spec.Server.Namespace, name)
		return
	}
	data, err := storage.Provided(wanted, read.Provided.Data, s.Now)
	if err != nil {
		c.Problem = diagnosis.StorageSecretRefused(s.Spec.Server.Namespace, name, err)
		return
	}
	c.Data = storage.WithRevision(wanted, read.Stored, data, s.Now)
}

// standalone plans a step further towards the wanted certificates of a standalone etcd.
func (p *Plan) standalone(s *snapshot.Snapshot, read snapshot.Storage) error {
	c := p.Storage
	c.Runs = true
	c.Starts = s.StorageReady()
	p.lookForCauses(s, read.Pods)
	if !s.Server.IsKnown() {
		return nil // whose Pods are clients is not known
	}
	request := StandaloneRequest(s)
	signer, desired, err := rotation.Managed(read.Certificates.Signer, read.Certificates.Serving, request, s.Now)
	if err != nil {
		return err
	}
	next, err := rotation.Next(read.Certificates.State, desired, rotation.Observed{
		CABundles: loadedBundles(s, read),
		Pods:      func() []rotation.Pod { return servedByEtcd(s, read) },
	}, s.Now)
	if err != nil {
		return err
	}
	c.Signer, c.Rotation = signer, &next
	c.Data = storage.WithRevision(manifests.StorageOf(s.ExtensionAPI), read.Stored, map[string][]byte{
		manifests.CABundleKey: next.Bundle, corev1.TLSCertKey: next.Serving.Certificate,
		corev1.TLSPrivateKeyKey: next.Serving.Key,
	}, s.Now)
	p.after(next.CheckAfter)
	if served := rotation.ServedFrom(next.State, desired.Host, s.Now); served.Leaf() != nil {
		p.after(request.NextChange(served.Leaf(), desired.Authorities[0], s.Now).Sub(s.Now))
	}
	return nil
}

// StandaloneRequest is what the certificates of a standalone etcd are issued for.
func StandaloneRequest(s *snapshot.Snapshot) pki.Request {
	return pki.Request{
		Name:         s.Name,
		DNSNames:     manifests.StandaloneNames(manifests.ServerOf(s.ExtensionAPI).NamespacedName),
		KeyAlgorithm: v1alpha1.KeyECDSA256,
		ForClients:   true,
		Validity:     v1alpha1.DefaultValidity,
		RenewBefore:  v1alpha1.DefaultValidity / 3,
		CAValidity:   v1alpha1.DefaultCAValidity,
	}
}

// loadedBundles are the CAs that each Pod of the server, and of etcd, has read when it started; nil where it may have
// read others than what is stored.
func loadedBundles(s *snapshot.Snapshot, read snapshot.Storage) (loaded [][]byte) {
	for _, pods := range [][]corev1.Pod{s.Server.Value().Pods, read.Pods} {
		for i := range pods {
			if !workload.MayServe(&pods[i]) {
				continue
			}
			var bundle []byte
			if pods[i].Annotations[manifests.StorageRevisionAnnotation] == string(read.Stored[manifests.RevisionKey]) {
				bundle = read.Certificates.Bundle
			}
			loaded = append(loaded, bundle)
		}
	}
	return loaded
}

// servedByEtcd is what the Pods of a standalone etcd served when they were last looked at.
func servedByEtcd(s *snapshot.Snapshot, read snapshot.Storage) (served []rotation.Pod) {
	answer := read.Look.Endpoints[standaloneAddress(s)]
	for i := range read.Pods {
		if !workload.MayServe(&read.Pods[i]) {
			continue
		}
		pod := rotation.Pod{Name: read.Pods[i].Name, Chain: answer.Chain}
		if len(answer.Chain) == 0 {
			pod.Err = cmp.Or(answer.Err, errNoHandshake)
		}
		served = append(served, pod)
	}
	return append(served, withEarlierCertificates(s, read)...)
}

// clientDwell is the time for the kubelet to update the client certificate of a server, which nothing reports.
const clientDwell = 2 * time.Minute

var errEarlierCertificate = errors.New("the kubelet may not have updated its client certificate yet")

// withEarlierCertificates are Pods of the server that may still have the client certificate from before the last
// replacement: the CA that it needs must stay trusted.
func withEarlierCertificates(s *snapshot.Snapshot, read snapshot.Storage) (pods []rotation.Pod) {
	record, stored := read.Certificates.Record, read.Certificates.Serving
	leaf, err := cert.ParseCertsPEM(stored.Certificate)
	if err != nil || record.Served == pki.Fingerprint(leaf[0]) {
		return nil
	}
	replaced := s.Now // the record may be lost
	switch {
	case record.Phase == v1alpha1.RotationAwaitingServed:
		replaced = record.Since
	case len(record.Announced) > 0:
		return nil
	}
	for _, pod := range s.Server.Value().Pods {
		if workload.MayServe(&pod) && pod.CreationTimestamp.Time.Before(replaced) && s.Now.Before(replaced.Add(clientDwell)) {
			pods = append(pods, rotation.Pod{Name: pod.Name, Err: errEarlierCertificate})
		}
	}
	return pods
}

// look plans what is looked at. What trust is stored is used from the next snapshot on.
func (p *Plan) look(s *snapshot.Snapshot, read snapshot.Storage) {
	c := p.Storage
	c.Target = storage.Target{
		Servers: s.ServerAddresses(), Endpoints: storageEndpoints(s, read),
		Authorities: read.Stored[manifests.CABundleKey], Pair: pki.KeyPairOf(read.Stored),
	}
	if standalone := manifests.StorageOf(s.ExtensionAPI).Standalone; standalone != nil {
		c.Target.Quota = manifests.StandaloneQuota(standalone)
		c.Target.Now, c.Target.Defragmented = s.Now, read.Look.Endpoints[standaloneAddress(s)].Defragmented
	}
	c.LookAge = storage.LookAge
	if !c.Target.IsWell(read.Look) || read.Ended.IsZero() {
		c.LookAge = storage.TroubleAge
	}
	p.after(c.LookAge)
}

// storageEndpoints are where the storage is.
func storageEndpoints(s *snapshot.Snapshot, read snapshot.Storage) []storage.Endpoint {
	switch wanted := manifests.StorageOf(s.ExtensionAPI); {
	case wanted.Etcd != nil:
		return storage.OfURLs(wanted.Etcd.Endpoints)
	case wanted.SQL != nil:
		return storage.OfDSN(string(read.Stored[manifests.DSNKey]))
	case read.Address == "":
		return nil
	default:
		return []storage.Endpoint{storage.Standalone(standaloneAddress(s), read.Address)}
	}
}

func standaloneAddress(s *snapshot.Snapshot) string {
	return storage.AddressOf(manifests.StandaloneHost(manifests.ServerOf(s.ExtensionAPI).NamespacedName))
}
