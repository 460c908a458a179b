// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// leaderTimeout is long enough for a failover from a killed replica, which takes the Lease's 20 seconds and up to 9
// more, and for observing a renewal of the Lease.
const leaderTimeout = 45 * time.Second

// awaitLeader watches until the Lease is renewed.
func awaitLeader(ctx context.Context, c client.WithWatch, lease client.ObjectKey) finding.Finding {
	ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
	defer cancel()
	seen := &observation{lease: lease}
	watcher, err := c.Watch(ctx, &coordinationv1.LeaseList{}, client.InNamespace(lease.Namespace),
		client.MatchingFields{metav1.ObjectNameField: lease.Name})
	if err == nil {
		_, err = watchtools.UntilWithoutRetry(ctx, watcher, seen.isRenewed)
	}
	switch {
	case err == nil:
		return ok(fmt.Sprintf("the operator is running: %s is the leader and renews Lease %s", seen.holder, lease))
	case ctx.Err() == nil:
		return failed(fmt.Sprintf("cannot determine whether the operator is running: watching Lease %s: %v", lease, err), "")
	default:
		return seen.problem()
	}
}

// observation is what a watch has observed of a Lease.
type observation struct {
	lease   client.ObjectKey
	exists  bool
	holder  string
	renewed time.Time
}

// isRenewed reports whether the event shows that the holder has renewed the Lease since an earlier one. That it has a
// holder means little: a killed one stays in it.
func (o *observation) isRenewed(event watch.Event) (bool, error) {
	lease, isLease := event.Object.(*coordinationv1.Lease)
	if !isLease {
		return false, fmt.Errorf("the watch failed: %v", event.Object)
	}
	o.exists = event.Type != watch.Deleted
	holder, renewed := ptr.Deref(lease.Spec.HolderIdentity, ""), ptr.Deref(lease.Spec.RenewTime, metav1.MicroTime{}).Time
	again := o.exists && holder != "" && holder == o.holder && renewed.After(o.renewed)
	o.holder, o.renewed = holder, renewed
	return again, nil
}

func (o *observation) problem() finding.Finding {
	what := fmt.Sprintf("Lease %s is held by %s, which does not renew it", o.lease, o.holder)
	switch {
	case !o.exists:
		what = fmt.Sprintf("there is no Lease %s", o.lease)
	case o.holder == "":
		what = fmt.Sprintf("Lease %s has no holder", o.lease)
	}
	return failed("the operator is not running: "+what, fmt.Sprintf("Check why its Pods are not running: "+
		"kubectl -n %s describe deployment,pods -l app.kubernetes.io/name=extensionapi-operator", o.lease.Namespace)).
		Affecting("Nothing is repaired or renewed")
}
