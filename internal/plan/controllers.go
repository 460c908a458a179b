// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Controllers is what to do for controllers.
type Controllers struct {
	// Running has what each runs with, by the names of their Deployments, but for those that wait for the API.
	Running map[string]*Workload
	// Former are objects to delete, of controllers that the spec does not have any more.
	Former []inventory.Object
}

// runControllers plans the controllers. One that starts before its API is available would crash; one that runs goes
// on when the API is not available for a while, as the informers of a controller try again.
func (p *Plan) runControllers(s *snapshot.Snapshot) {
	controllers, known := s.Controllers.Get()
	if len(controllers.Referenced) > 0 {
		p.after(s.Policy().Interval) // nothing of other owners is watched
	}
	if !known || !s.RunsServer() || s.Selectors.Err() != nil {
		return
	}
	p.Controllers = &Controllers{Running: map[string]*Workload{}, Former: controllers.Former}
	for _, w := range manifests.ControllersOf(s.ExtensionAPI) {
		observed := controllers.ByName[w.Name]
		switch {
		case diagnosis.ControllerLabelsInUse(s, w).Found():
			p.after(serviceRecheck)
		case observed.Deployment != nil || isServed(s):
			p.Controllers.Running[w.Name] = &Workload{Accounts: accountsInUse(w, observed)}
			p.lookForCauses(s, observed.Pods)
		}
	}
}

// isServed reports whether requests for every group-version of the spec are known to pass to the server.
func isServed(s *snapshot.Snapshot) bool {
	return s.Registered.IsKnown() && s.IsServed() && diagnosis.Available(s).Status == metav1.ConditionTrue
}

// unwanted are objects of the server to delete. Bindings of controllers stay as long as there is something of these: a
// controller that is stopped still sends Events, and releases its Lease.
func unwanted(s *snapshot.Snapshot) []inventory.Object {
	objects := s.Server.Value().Unwanted
	if len(s.Controllers.Value().Former) == 0 {
		return objects
	}
	return slices.DeleteFunc(slices.Clone(objects), inventory.Object.IsOfControllers)
}

// controllerAccounts are the ServiceAccounts that Pods of controllers run as, former ones included, and are to run as.
func controllerAccounts(s *snapshot.Snapshot) []string {
	accounts := slices.Clone(s.Controllers.Value().FormerAccounts)
	for _, w := range manifests.ControllersOf(s.ExtensionAPI) {
		accounts = append(accounts, accountsInUse(w, s.Controllers.Value().ByName[w.Name])...)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}
