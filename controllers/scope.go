// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// namespaceState is what a phase needs to know of the server's namespace.
type namespaceState int

const (
	namespaceActive namespaceState = iota
	namespaceTerminating
	namespaceMissing
)

// scope is what the phases of one reconciliation share: each reads what earlier ones found and adds its own.
type scope struct {
	// ExtensionAPI is a copy whose status the phases fill in.
	*v1alpha1.ExtensionAPI
	// before is the object as it was read.
	before *v1alpha1.ExtensionAPI

	// claims tell of each group-version, in the order of the spec, who else has it.
	claims    []claims.Claim
	backend   manifests.Backend
	namespace namespaceState
	// outOfReach reports whether the operator may not run servers in the namespace of spec.server.
	outOfReach bool
	// trust is the bundle that clients verify the server with, nil while there is none.
	trust []byte
	// service is the address of the Service, empty when it has none of its own; external reports whether that is because
	// it names a host.
	service  string
	external bool
	// unroutable is why kube-apiserver cannot route to the Service; its reason is empty when it can.
	unroutable finding.Finding
	// pods are those of spec.server, when it has a Service; those that end included.
	pods []corev1.Pod
	// endpoints are the ready replicas that requests are sent to, and ejected those that get none.
	endpoints []endpoints.Endpoint
	ejected   []ejection.Ejected
	// connectsAnew is when kube-apiserver last was or will be made to connect anew, since a Pod left the Service.
	connectsAnew time.Time
	// outcomes are what came of registering, by the name of the APIService.
	outcomes map[string]registrationOutcome

	// known are the facts that were found out.
	known sets.Set[fact]

	// withheld are the changes that are not made while it is suspended.
	withheld apply.Withheld

	verdicts map[string]finding.Finding
	notes    []report.Note
	requeue  time.Duration
}

// conflictRetry is longer than a cache takes to be brought up to date.
const conflictRetry = time.Second

func newScope(extensionAPI *v1alpha1.ExtensionAPI) *scope {
	copied := extensionAPI.DeepCopy()
	copied.Status.Groups = groupNames(extensionAPI)
	return &scope{
		ExtensionAPI: copied,
		before:       extensionAPI,
		backend:      manifests.BackendOf(extensionAPI),
		outcomes:     map[string]registrationOutcome{},
		verdicts:     map[string]finding.Finding{},
		known:        sets.New[fact](),
	}
}

// conclude records the verdict of a condition.
func (s *scope) conclude(conditionType string, v finding.Finding) {
	s.verdicts[conditionType] = v
}

// result is what a reconciliation returns.
func (s *scope) result(err error) (ctrl.Result, error) {
	if err := s.tolerateConflicts(err); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.requeue}, nil
}

// requeueAfter asks for another reconciliation; the soonest wins.
func (s *scope) requeueAfter(delay time.Duration) {
	if s.requeue == 0 || delay < s.requeue {
		s.requeue = delay
	}
}
