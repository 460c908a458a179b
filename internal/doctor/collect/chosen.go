// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// restrict leaves only the APIServices and ExtensionAPIs of these names, and the APIServices of these ExtensionAPIs.
// What could not be read stays unknown.
func restrict(v *view.View, names []string) error {
	if len(names) == 0 {
		return nil
	}
	v.Chosen = true
	wanted := sets.New(names...)
	apiServices := slices.DeleteFunc(slices.Clone(v.APIServices.Value()), func(a view.APIService) bool {
		return !wanted.Has(a.Name) && !wanted.Has(a.Labels[manifests.OwnerLabel])
	})
	extensionAPIs := slices.DeleteFunc(slices.Clone(v.ExtensionAPIs.Value()), func(e v1alpha1.ExtensionAPI) bool {
		return !wanted.Has(e.Name) && !slices.ContainsFunc(apiServices, func(a view.APIService) bool {
			return a.Labels[manifests.OwnerLabel] == e.Name
		})
	})
	if v.APIServices.IsKnown() && v.ExtensionAPIs.IsKnown() {
		if err := allFound(names, apiServices, extensionAPIs); err != nil {
			return err
		}
	}
	v.APIServices = snapshot.Of(apiServices, v.APIServices.Err())
	v.ExtensionAPIs = snapshot.Of(extensionAPIs, v.ExtensionAPIs.Err())
	return nil
}

func allFound(names []string, apiServices []view.APIService, extensionAPIs []v1alpha1.ExtensionAPI) error {
	missing := sets.New(names...)
	for _, apiService := range apiServices {
		missing.Delete(apiService.Name, apiService.Labels[manifests.OwnerLabel])
	}
	for i := range extensionAPIs {
		missing.Delete(extensionAPIs[i].Name)
	}
	if missing.Len() > 0 {
		return fmt.Errorf("there is no ExtensionAPI of that name, and no APIService with a Service: %s",
			strings.Join(sets.List(missing), ", "))
	}
	return nil
}
