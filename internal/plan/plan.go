// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to create, change, delete, eject and probe, and in which order: Next maps a snapshot to a
// plan. Nothing of a plan depends on what another part of it changes: what is newly stored is used from the next
// snapshot on. It imports diagnosis and what decides, and no client.
package plan

import (
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Plan is what to do for one ExtensionAPI, in the order of its fields. A part that rests on something unknown is nil,
// and nothing is changed there.
type Plan struct {
	Certificates *Certificates
	// Storage is nil where the operator does not configure the storage of the server, and while it is not known.
	Storage *Storage
	// Server is nil while there is nothing to run.
	Server *Workload
	// Controllers is nil while it is not known what to run.
	Controllers  *Controllers
	Registration *Registration
	Ejection     *Ejection
	// Probe is what to probe, nil while that is not known.
	Probe *discovery.Target
	// Objects is what to check of the server besides discovery, nil while nothing can be checked.
	Objects *Objects
	// Reconnect is when kube-apiserver reconnects.
	Reconnect reconnect.Moment
	// Unready are Pods of the server, its storage and its controllers whose cause for that is looked for.
	Unready []corev1.Pod
	// Documents are what to read for the stand-in, nil while the server does not answer well.
	Documents *Documents
	// LookAtLayer has the configuration of the aggregation layer looked at.
	LookAtLayer bool
	// Recheck is when something changes by itself, or is to be read again, 0 for never.
	Recheck time.Duration
}

// Workload is what a Deployment runs with.
type Workload struct {
	// Accounts are the ServiceAccounts that its Pods run as: the template's, and during a change of it that of the Pods
	// that are still to be replaced.
	Accounts []string
	// ControllerAccounts are those of all controllers, for the bindings that are applied with the server.
	ControllerAccounts []string
	// Unwanted are objects to delete, because the spec does not want them any more.
	Unwanted []inventory.Object
}

// Next returns the plan for a snapshot.
func Next(s *snapshot.Snapshot) (p Plan, err error) {
	if !s.Namespace.IsKnown() {
		return p, nil
	}
	p.recheckClaims(s)
	p.recheckService(s)
	if p.Certificates, err = certificates(s); p.Certificates != nil {
		p.after(p.Certificates.recheck)
	}
	err = errors.Join(err, p.store(s))
	p.run(s)
	p.runControllers(s)
	target := targetOf(s)
	p.register(s, target)
	p.probe(s, target)
	p.document(s, target)
	p.checkObjects(s)
	return p, err
}

// run plans the server, unless Pods of it would be taken for those of an earlier one.
func (p *Plan) run(s *snapshot.Snapshot) {
	server, known := s.Server.Get()
	switch {
	case !known || !s.RunsServer() || s.Selectors.Err() != nil || s.Controllers.Err() != nil || !s.StorageReady():
	case diagnosis.PodLabelsInUse(s).Found():
		p.after(serviceRecheck)
	default:
		p.Server = &Workload{
			Accounts:           accountsInUse(manifests.ServerOf(s.ExtensionAPI), server),
			ControllerAccounts: controllerAccounts(s), Unwanted: unwanted(s),
		}
		p.lookForCauses(s, server.Pods)
	}
}

// after asks for another reconciliation; the soonest wins.
func (p *Plan) after(delay time.Duration) { p.Recheck = Soonest(p.Recheck, delay) }

// Soonest returns the shortest of the delays that are positive, 0 when there is none.
func Soonest(delays ...time.Duration) time.Duration {
	delays = slices.DeleteFunc(delays, func(delay time.Duration) bool { return delay <= 0 })
	if len(delays) == 0 {
		return 0
	}
	return slices.Min(delays)
}

// recheckClaims is for when another ExtensionAPI loses precedence.
func (p *Plan) recheckClaims(s *snapshot.Snapshot) {
	for _, claim := range s.Claims.Value() {
		p.after(claim.Until.Sub(s.Now))
	}
}

// serviceRecheck is the time after which another owner's Service is read again that is not ready.
const serviceRecheck = 5 * time.Second

// recheckService reads another owner's Service at every interval, and more often while it is not ready: nothing of it
// is watched.
func (p *Plan) recheckService(s *snapshot.Snapshot) {
	if s.Spec.ExistingService == nil {
		return
	}
	p.after(s.Policy().Interval)
	if found := diagnosis.Service(s); found.Status != metav1.ConditionTrue &&
		found.Code != v1alpha1.ReasonExternalNameNotRoutable {
		p.after(serviceRecheck)
	}
	p.after(diagnosis.ExternalNameRetry(s))
}

// maxUnready bounds the Pods of one workload whose causes are looked for: the condition names one.
const maxUnready = 5

// lookForCauses has the causes of Pods of a workload looked for that have not been ready for some time.
func (p *Plan) lookForCauses(s *snapshot.Snapshot, pods []corev1.Pod) {
	var unready []corev1.Pod
	for i := range pods {
		since := workload.UnreadySince(&pods[i])
		switch left := since.Add(workload.UnreadyAfter).Sub(s.Now); {
		case since.IsZero():
		case left > 0:
			p.after(left)
		default:
			unready = append(unready, pods[i])
		}
	}
	p.Unready = append(p.Unready, unready[:min(len(unready), maxUnready)]...)
}

func accountsInUse(w manifests.Workload, observed snapshot.Workload) []string {
	accounts := append(slices.Clone(observed.Accounts), w.ServiceAccountName())
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// isHeld reports whether another owner has the group-version.
func isHeld(s *snapshot.Snapshot, claim claims.Claim) bool {
	return diagnosis.IsHeld(claim, s.Spec.AdoptionPolicy)
}
