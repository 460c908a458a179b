// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=patch

// eject ejects and restores replicas, after a look at the Pods that there are now.
func (e *execution) eject(ctx context.Context, p *plan.Ejection) error {
	if p == nil {
		return nil
	}
	pods, err := e.Observer.PodsNow(ctx, manifests.ServerOf(e.s.ExtensionAPI))
	if err != nil {
		return err
	}
	next := p.Now(pods, e.s.Spec.Server)
	var errs []error
	for i := range pods {
		switch pod := &pods[i]; {
		case slices.Contains(next.Eject, pod.Name):
			errs = append(errs, e.ejectPod(ctx, pod, p.Why[pod.Name]))
		case slices.Contains(next.Restore, pod.Name):
			errs = append(errs, e.restorePod(ctx, pod, next.Reason))
		}
	}
	return errors.Join(errs...)
}

func (e *execution) ejectPod(ctx context.Context, pod *corev1.Pod, why string) error {
	done, err := e.applier.Patch(ctx, pod, func() { ejection.Record(pod, e.Clock.Now(), why) })
	if !done {
		return err
	}
	e.Ejected(e.s.Name)
	e.note(finding.WarningNote(v1alpha1.ReasonReplicaEjected, fmt.Sprintf(
		"Pod %[2]s fails discovery while another replica answers well: %[3]s. It was ejected from the Service, "+
			"kube-apiserver reconnects, and it is restored when it has recovered. Inspect it: kubectl -n %[1]s logs %[2]s; or "+
			"replace it: kubectl -n %[1]s delete pod %[2]s", pod.Namespace, pod.Name, why), pod))
	return nil
}

func (e *execution) restorePod(ctx context.Context, pod *corev1.Pod, reason ejection.Reason) error {
	done, err := e.applier.Patch(ctx, pod, func() { ejection.RecordRestoration(pod) })
	if done {
		e.note(finding.NormalNote(v1alpha1.ReasonReplicaRestored, fmt.Sprintf(
			"Pod %s was restored to the Service: %s", pod.Name, restoredSince[reason]), pod))
	}
	return err
}

var restoredSince = map[ejection.Reason]string{
	ejection.Recovered:   "it answers discovery well again",
	ejection.TooMany:     "no more than spec.server.maxEjectionPercent of the replicas may be ejected",
	ejection.NoneHealthy: "no other replica answers discovery well, so ejecting it did not help",
	ejection.Disabled:    "replicas of this server are not to be ejected, or there is to be only one",
}
