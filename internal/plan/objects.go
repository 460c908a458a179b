// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// objectsAge is how old a check may be in which everything was good.
	objectsAge = time.Hour
	// badObjectsAge is how old any other may be: what is wrong may be repaired without a change that is watched.
	badObjectsAge = 5 * time.Minute
	// failedObjectsAge is how old one may be that failed: kube-apiserver answers 404 for a moment after a registration.
	failedObjectsAge = 30 * time.Second
	// unhurried is how long after a registration that is done which nothing waits for, and at most so while others are
	// about to be registered.
	unhurried, mostUnhurried = 5 * time.Second, 30 * time.Second
)

// untilUnhurried returns when to look again at what nothing waits for, 0 when it is to be done.
func untilUnhurried(s *snapshot.Snapshot) time.Duration {
	age := s.Now.Sub(s.AvailableSince())
	switch {
	case age < 0: // the clock of kube-apiserver is ahead
		return 0
	case s.OthersRegister && age < mostUnhurried:
		return max(time.Second, unhurried-age)
	default:
		return max(0, unhurried-age)
	}
}

// Objects is a check of what the server answers for its objects.
type Objects struct {
	// Version is another one after each change that may change the answers.
	Version string
	// MaxAge is how old the last check of this version may be.
	MaxAge        time.Duration
	GroupVersions []schema.GroupVersion
	// Replica is the address of the one whose documents are read.
	Replica string
	// Last is the last result if all that may change it are permissions, nil otherwise.
	Last *objects.Result
}

// maxAge is how old a check with this result may be.
func maxAge(last snapshot.Objects) time.Duration {
	switch {
	case last.Err != nil:
		return failedObjectsAge
	case !last.IsGood():
		return badObjectsAge
	default:
		return objectsAge
	}
}

// checkObjects plans a check of a server that answers requests. The last one of a rollout comes when the last old Pod
// is gone.
func (p *Plan) checkObjects(s *snapshot.Snapshot) {
	replicas := p.replicasToCheck(s)
	if len(replicas) == 0 {
		return
	}
	ended := s.Objects.Ended
	if wait := untilUnhurried(s); wait > 0 && ended.IsZero() {
		p.after(wait)
		return
	}
	p.Objects = &Objects{
		Version: s.ObjectsVersion(), MaxAge: maxAge(s.Objects), GroupVersions: s.Available(), Replica: replicas[0].Address,
	}
	if ended.IsZero() {
		return
	}
	if s.Objects.LacksOnlyPermission() && s.Now.Sub(s.Objects.Requested) < objectsAge {
		p.Objects.Last = &s.Objects.Result
	}
	p.after(max(time.Second, ended.Add(p.Objects.MaxAge).Sub(s.Now)))
}

// replicasToCheck are those that get requests, none while the server as a whole does not.
func (p *Plan) replicasToCheck(s *snapshot.Snapshot) []discovery.Replica {
	if p.Probe == nil || !s.IsAllAvailable() || s.Spec.Server != nil && !s.Server.IsKnown() {
		return nil
	}
	return slices.DeleteFunc(s.Replicas(), func(replica discovery.Replica) bool { return replica.Ejected })
}
