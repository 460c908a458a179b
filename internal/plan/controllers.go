// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

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
	if !known || !s.RunsServer() {
		return
	}
	p.Controllers = &Controllers{Running: map[string]*Workload{}, Former: controllers.Former}
	mayStart := s.Registered.IsKnown() && s.IsServed()
	for _, w := range manifests.ControllersOf(s.ExtensionAPI) {
		observed := controllers.ByName[w.Name]
		if mayStart || observed.Deployment != nil {
			p.Controllers.Running[w.Name] = &Workload{Accounts: accountsInUse(w, observed)}
			p.lookForCauses(s, observed.Pods)
		}
	}
}

// controllerAccounts are the ServiceAccounts that Pods of controllers run as, and are to run as.
func controllerAccounts(s *snapshot.Snapshot) []string {
	var accounts []string
	for _, w := range manifests.ControllersOf(s.ExtensionAPI) {
		accounts = append(accounts, accountsInUse(w, s.Controllers.Value().ByName[w.Name])...)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}
