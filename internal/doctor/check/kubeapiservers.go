// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// kubeAPIServers reports what is known of the other kube-apiservers. All write the same status of an APIService, so
// what one of them cannot reach shows only by turns. A kubeconfig leads to one of them; the operator requests each.
func kubeAPIServers(v *view.View) []Result {
	count, known := v.KubeAPIServers.Get()
	switch {
	case !known:
		return []Result{ofCluster(notChecked(v.KubeAPIServers.Err()))}
	case count <= 1:
		return nil
	}
	return each(v, func(apiService view.APIService) finding.Finding {
		measured := measuredBy(ownerOf(v, apiService))
		switch {
		case measured == nil:
			return finding.Finding{Evidence: fmt.Sprintf("only one of %d kube-apiservers was looked through, that of the "+
				"kubeconfig; the operator looks through each for APIServices of ExtensionAPIs", count)}
		case measured.Status == metav1.ConditionTrue:
			return ok(fmt.Sprintf("the operator reaches it through each of %d kube-apiservers", count))
		case measured.Status == metav1.ConditionFalse:
			return finding.Finding{} // reported by conditions, with the address of the kube-apiserver
		default:
			return finding.Finding{Evidence: "the operator has not measured it through each kube-apiserver yet"}
		}
	})
}

func measuredBy(owner *v1alpha1.ExtensionAPI) *metav1.Condition {
	if owner == nil {
		return nil
	}
	return meta.FindStatusCondition(owner.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
}
