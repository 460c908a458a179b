// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// awaitedFor is how long after the deletion a kube-apiserver that cannot be probed is waited for: it may be gone, with
// its address still listed. One that is up drops a group-version within seconds, and for those that it then still sends
// requests, Pods serve on during their preStop sleep.
const awaitedFor = time.Minute

// AwaitUnregistered returns what it waits for until no kube-apiserver sends requests of these group-versions to the
// server.
func (a *Actor) AwaitUnregistered(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	dropped, err := a.dropped(ctx, manifests.GroupVersions(s.ExtensionAPI))
	if err != nil || len(dropped) == 0 {
		return "", nil, err
	}
	names := groupVersionNames(dropped)
	last, ended := a.Served.Last(s.Name, strings.Join(names, ","), servedAge,
		func(ctx context.Context) StillServed { return a.servedNow(ctx, dropped) })
	switch {
	case ended.IsZero():
		return waiting("every kube-apiserver to drop", names), nil, nil
	case last.err != nil:
		return "", nil, last.err
	}
	deletedFor := a.Clock.Now().Sub(s.DeletionTimestamp.Time)
	waitingFor = unregistering(last.groupVersions, last.failures, deletedFor)
	if waitingFor == "" && len(last.failures) > 0 {
		message := notAwaited(last.failures)
		notes = append(notes, finding.WarningNote(v1alpha1.ReasonKubeAPIServerNotAwaited, message, nil))
	}
	return waitingFor, notes, nil
}

// servedAge is how old an answer of the kube-apiservers may be: no older than the next look at it.
const servedAge = TeardownPoll

// StillServed are those that a kube-apiserver still sends to the server, and the kube-apiservers, by address, of
// which that is not known.
type StillServed struct {
	groupVersions []schema.GroupVersion
	failures      map[string]string
	err           error
}

func (a *Actor) servedNow(ctx context.Context, groupVersions []schema.GroupVersion) (s StillServed) {
	s.groupVersions, s.failures, s.err = a.KubeAPIServers.Served(ctx, groupVersions)
	return s
}

// unregistering says what is waited for: kube-apiservers that serve group-versions, or, for a minute after the
// deletion, those of which that is not known.
func unregistering(served []schema.GroupVersion, failures map[string]string, deletedFor time.Duration) string {
	switch {
	case len(served) > 0:
		return waiting("every kube-apiserver to drop", groupVersionNames(served))
	case deletedFor < awaitedFor:
		return waiting("an answer of kube-apiserver", unprobed(failures))
	default:
		return ""
	}
}

// dropped leaves out the group-versions that have an APIService: another owner's by now.
func (a *Actor) dropped(
	ctx context.Context, groupVersions []schema.GroupVersion,
) (dropped []schema.GroupVersion, err error) {
	for _, groupVersion := range groupVersions {
		apiService := inventory.Metadata(inventory.APIService.GroupVersionKind)
		err := a.Live.Get(ctx, client.ObjectKey{Name: manifests.APIServiceName(groupVersion)}, apiService)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err != nil {
			dropped = append(dropped, groupVersion)
		}
	}
	return dropped, nil
}

func groupVersionNames(groupVersions []schema.GroupVersion) []string {
	var names []string
	for _, groupVersion := range groupVersions {
		names = append(names, groupVersion.String())
	}
	return names
}

// unprobed says of each kube-apiserver why it cannot be probed.
func unprobed(failures map[string]string) []string {
	var result []string
	for _, address := range slices.Sorted(maps.Keys(failures)) {
		result = append(result, fmt.Sprintf("%s (%s)", address, excerpt.Of(failures[address], maxCause)))
	}
	return result
}

func notAwaited(failures map[string]string) string {
	return waiting("The server is stopped although it is unknown whether every kube-apiserver has dropped its "+
		"group-versions: for a minute there has been no answer from", unprobed(failures)) + ". Clients of one that still " +
		"runs see errors until it has. If there is no such kube-apiserver, remove its address: " +
		"kubectl -n default get endpointslices -l kubernetes.io/service-name=kubernetes"
}
