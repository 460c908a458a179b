// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"crypto/x509"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Target is what to look at.
type Target struct {
	// Servers are the addresses of replicas of the server, by the UIDs of their Pods.
	Servers   map[types.UID]string
	Endpoints []Endpoint
	// Authorities (PEM) verify the endpoints, and Pair is the client certificate.
	Authorities []byte
	Pair        pki.KeyPair
	// Quota is that of a standalone etcd, which is maintained, 0 for any other storage.
	Quota int64
	// Defragmented is when that was last defragmented, zero if that is not known, and Now the time.
	Defragmented, Now time.Time
}

// Endpoint is an address of the storage.
type Endpoint struct {
	Protocol Protocol
	// Address is host:port, as the server has it, and Dial where the operator connects to.
	Address, Dial string
}

// Check is what a replica of the server says of its storage.
type Check int

const (
	// Silent is a replica that cannot be reached, or says nothing of it.
	Silent Check = iota
	// Passing is one whose check passes.
	Passing
	// Failing is one whose check fails.
	Failing
)

// Look is what was found.
type Look struct {
	Servers map[types.UID]Check
	// Endpoints are by their addresses.
	Endpoints map[string]Answer
}

// Answer is that of an endpoint.
type Answer struct {
	// Err is why there is none.
	Err error
	// Chain is what it served, the certificate first.
	Chain []*x509.Certificate
	// Alarm is what etcd reports to be wrong with itself, empty for nothing.
	Alarm string
	// Defragmented is when a standalone etcd was last defragmented, zero if that is not known.
	Defragmented time.Time
}

// Usage is how much of its database an etcd uses.
type Usage struct {
	Size, InUse int64
	// Full reports whether it has refused writes since it reached its quota.
	Full bool
}

const (
	// minReclaimed is worth a defragmentation, in bytes: etcd answers nothing meanwhile, for a second or so each 100 MB.
	minReclaimed = 64 << 20
	// fullPercent of the quota are in use when an etcd that is full stays so.
	fullPercent = 80
	// fullRetry is the time between two defragmentations of an etcd that stays full.
	fullRetry = 5 * time.Minute
)

// NeedsDefragmentation reports whether enough is free that only a defragmentation gives back, or that ends an alarm.
func (u Usage) NeedsDefragmentation(quota int64) bool {
	if u.Full {
		return u.fits(quota) && u.Size*100 >= quota*fullPercent
	}
	return u.Size-u.InUse >= minReclaimed && u.InUse*2 <= u.Size
}

// MayHaveSpace reports whether an etcd that is full may have more space than it reports: a compaction frees pages,
// which it counts only after its next writes (server/storage/backend), and a full one has none. A defragmentation
// counts them, too.
func (u Usage) MayHaveSpace(sinceDefragmented time.Duration) bool {
	return u.Full && sinceDefragmented >= fullRetry
}

// MayWrite reports whether an etcd that is full has space again.
func (u Usage) MayWrite(quota int64) bool {
	return u.Full && u.fits(quota) && u.Size*100 < quota*fullPercent
}

func (u Usage) fits(quota int64) bool { return u.InUse*100 < quota*fullPercent }

// LookAge is how old a look may be while all is well, and TroubleAge while it is not.
const (
	LookAge    = 30 * time.Second
	TroubleAge = 5 * time.Second
)

// IsWell reports whether a look found nothing wrong, and looked at everything.
func (t Target) IsWell(look Look) bool {
	for uid := range t.Servers {
		if check, found := look.Servers[uid]; !found || check == Failing {
			return false
		}
	}
	for _, endpoint := range t.Endpoints {
		if answer, found := look.Endpoints[endpoint.Address]; !found || answer.Err != nil || answer.Alarm != "" {
			return false
		}
	}
	return true
}
