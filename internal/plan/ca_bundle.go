// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// trust plans a step further towards the CA bundle that another owner keeps.
func trust(s *snapshot.Snapshot, read snapshot.Certificates) (*Certificates, error) {
	c := &Certificates{}
	if !read.CABundle.Unreadable.Found() {
		c.Watched = &read.CABundle.Source
	}
	if c.Problem = diagnosis.CABundleMissing(read.CABundle); c.Problem.Found() {
		return c, nil
	}
	authorities, err := pki.ParseSource(read.CABundle.PEM, s.Now)
	if err != nil {
		c.Problem = diagnosis.CABundleRefused(read.CABundle, err)
		return c, nil
	}
	c.Source.Desired = rotation.Desired{Host: manifests.ServingHost(s.Backend), Authorities: authorities}
	behind, known := s.Endpoints.Get()
	if !known || !s.Registered.IsKnown() {
		return c, nil // what they need is not known
	}
	next, err := rotation.NextTrust(read.Stored.State, c.Source.Desired, rotation.Observed{
		CABundles: s.CABundles(),
		Pods:      func() []rotation.Pod { return c.lookAtEndpoints(s, behind) },
	}, s.Now)
	if err == nil && c.hasLooked(s) {
		c.Rotation = &next
	}
	return c, err
}

// lookAtEndpoints plans handshakes with the endpoints. While there is none, what its next replica serves is unknown.
func (c *Certificates) lookAtEndpoints(s *snapshot.Snapshot, behind snapshot.Endpoints) []rotation.Pod {
	var peers []snapshot.Peer
	for _, endpoint := range behind.Ready {
		peers = append(peers, snapshot.Peer{ID: endpoint.Address, Name: endpoint.String(), Address: endpoint.Address})
	}
	if len(peers) == 0 {
		return []rotation.Pod{{Name: "Service " + s.Backend.Name, Err: errors.New("it has no ready endpoint")}}
	}
	return c.lookAt(s, peers)
}
