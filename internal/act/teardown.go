// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// TeardownPoll is the time between two looks at what sends no event when it is gone.
const TeardownPoll = 500 * time.Millisecond

// Unregister deletes the APIServices, and returns what it waits for. It reads around the cache: one that was only just
// created must not stay behind.
func (a *Actor) Unregister(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	registered, err := a.Observer.RegisteredNow(ctx, s.ExtensionAPI)
	if err != nil {
		return "", nil, err
	}
	apiServices := snapshot.InOrder(registered)
	if s.IsActive() {
		counted := false
		if notes, counted = a.warnOfUnreachable(s.Name, apiServices, nil); !counted {
			return "its objects to be counted", nil, nil
		}
	}
	left, err := deleteAPIServices(ctx, a.For(s.ExtensionAPI), apiServices)
	return waiting("the end of the APIServices", left), notes, err
}

// Stop deletes what takes and serves requests, and returns what it waits for until the last Pod has terminated.
func (a *Actor) Stop(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	waitingFor, err = a.removeAll(ctx, s, a.For(s.ExtensionAPI), inventory.DeletedAt(inventory.Stop))
	return waitingFor, nil, err
}

// RemoveRest deletes what the server needed while it ran, and returns what it waits for.
func (a *Actor) RemoveRest(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	waitingFor, err = a.removeAll(ctx, s, a.For(s.ExtensionAPI), inventory.DeletedAt(inventory.AfterStop))
	return waitingFor, nil, err
}

// removeAll deletes objects as far as they are in reach, and returns which of them are still there.
func (a *Actor) removeAll(
	ctx context.Context, s *snapshot.Snapshot, applier *apply.Applier, objects []inventory.Object,
) (string, error) {
	locations := inventory.Locations{
		Name: s.Name, Server: s.Backend.Namespace, Operator: a.Observer.OperatorNamespace,
	}
	var left []string
	for _, object := range objects {
		if s.Spec.Server == nil && !object.IsWithoutServer() || object.IsOfCertManager() && !a.Observer.CertManager ||
			!s.InReach() && object.IsAtServer() {
			continue
		}
		key := object.Key(locations)
		gone, err := applier.Delete(ctx, object.Kind.GroupVersionKind, key)
		if err != nil {
			return "", err
		}
		if !gone {
			left = append(left, object.Kind.Kind+" "+key.String())
		}
	}
	return waiting("the end of", left), nil
}

func waiting(what string, left []string) string {
	if len(left) == 0 {
		return ""
	}
	return what + " " + strings.Join(left, ", ")
}
