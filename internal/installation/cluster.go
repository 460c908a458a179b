// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

func layerFindings(layer aggregation.Configuration) []finding {
	var findings []finding
	for _, missing := range layer.Missing {
		findings = append(findings, finding{markFailed, "the aggregation layer is not configured, so no server can " +
			"be registered: " + missing + ". Set these flags of kube-apiserver"})
	}
	for _, unknown := range layer.Unknown {
		findings = append(findings, finding{
			markWarning, "cannot determine whether the aggregation layer is configured: " + unknown,
		})
	}
	if len(findings) == 0 {
		return []finding{{markOK, "the aggregation layer is configured"}}
	}
	return findings
}

// checkExtensionAPIs only warns about those that are not Ready: a server may not work even though the operator does.
func checkExtensionAPIs(ctx context.Context, reader client.Reader) []finding {
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil {
		return []finding{{markWarning, fmt.Sprintf("cannot determine the state of the ExtensionAPIs: %v", err)}}
	}
	return extensionAPIFindings(list.Items)
}

func extensionAPIFindings(extensionAPIs []v1alpha1.ExtensionAPI) []finding {
	var findings []finding
	for i := range extensionAPIs {
		name, conditions := extensionAPIs[i].Name, extensionAPIs[i].Status.Conditions
		if meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) {
			continue
		}
		ready := ptr.Deref(meta.FindStatusCondition(conditions, v1alpha1.ConditionReady),
			metav1.Condition{Reason: v1alpha1.ReasonPending, Message: "the operator has not reconciled it yet"})
		findings = append(findings, finding{markWarning, fmt.Sprintf("ExtensionAPI %s is not Ready (%s): %s. See: "+
			"kubectl describe extensionapi %s", name, ready.Reason, ready.Message, name)})
	}
	switch {
	case len(extensionAPIs) == 0:
		return []finding{{markOK, "there is no ExtensionAPI yet"}}
	case len(findings) == 0:
		return []finding{{markOK, "every ExtensionAPI is Ready"}}
	default:
		return findings
	}
}
