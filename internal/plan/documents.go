// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Documents are what is read of the server for the stand-in.
type Documents struct {
	Target discovery.Target
	// Version changes with the replicas, the group-versions and the number of their resources.
	Version string
	// Unsafe are group-versions of which a resource can be deleted, as any replica answers: what is stored of them must
	// not be served.
	Unsafe []schema.GroupVersion
}

// document plans to read what the server answers, while it answers well.
func (p *Plan) document(s *snapshot.Snapshot, target discovery.Target) {
	d := &Documents{Target: target, Unsafe: unsafe(s)}
	d.Target.GroupVersions = s.RegisteredVersions()
	d.Target.Replicas = slices.DeleteFunc(slices.Clone(target.Replicas), func(replica discovery.Replica) bool {
		standing, _, _ := s.Probes.StandingOf(replica, d.Target.GroupVersions)
		return replica.Ejected || standing != discovery.Healthy
	})
	if len(d.Target.GroupVersions) == 0 || len(d.Target.Replicas) == 0 && len(d.Unsafe) == 0 {
		return
	}
	if wait := untilUnhurried(s); wait > 0 && len(s.StandIn.Documented) == 0 {
		p.after(wait)
		return
	}
	d.Version = d.version(s.Probes.Records)
	p.Documents = d
}

// unsafe are the group-versions that advertise delete, as far as that is known.
func unsafe(s *snapshot.Snapshot) (groupVersions []schema.GroupVersion) {
	for key, record := range s.Probes.Records {
		if record.Content.Deletable > 0 && !key.GroupVersion.Empty() && !slices.Contains(groupVersions, key.GroupVersion) {
			groupVersions = append(groupVersions, key.GroupVersion)
		}
	}
	slices.SortFunc(groupVersions, func(a, b schema.GroupVersion) int { return cmp.Compare(a.String(), b.String()) })
	return groupVersions
}

func (d *Documents) version(records discovery.Records) string {
	var version strings.Builder
	fmt.Fprintln(&version, d.Target.GroupVersions, d.Unsafe)
	for _, replica := range d.Target.Replicas {
		fmt.Fprintln(&version, replica.Address, replica.Pod, replica.Since)
		for _, groupVersion := range d.Target.GroupVersions {
			content := records[discovery.AtEndpoint(replica, groupVersion)].Content
			fmt.Fprintln(&version, content.Resources, content.Deletable, content.MoreThanGet)
		}
	}
	return version.String()
}
