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
		findings = append(findings, finding{bad, "the aggregation layer is not configured, so no server can be registered: " +
			missing + ". Set these flags of kube-apiserver"})
	}
	for _, unknown := range layer.Unknown {
		findings = append(findings, finding{
			warning, "whether the aggregation layer is configured is not known: " + unknown,
		})
	}
	if len(findings) == 0 {
		return []finding{{good, "the aggregation layer is configured"}}
	}
	return findings
}

// checkExtensionAPIs only warns of those that are not Ready: the operator may well be right that a server does not
// work.
func checkExtensionAPIs(ctx context.Context, reader client.Reader) []finding {
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil {
		return []finding{{warning, fmt.Sprintf("how the ExtensionAPIs fare is not known: %v", err)}}
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
			metav1.Condition{Reason: v1alpha1.ReasonPending, Message: "the operator has not looked at it yet"})
		findings = append(findings, finding{warning, fmt.Sprintf("ExtensionAPI %s is not Ready (%s): %s. See: "+
			"kubectl describe extensionapi %s", name, ready.Reason, ready.Message, name)})
	}
	switch {
	case len(extensionAPIs) == 0:
		return []finding{{good, "there is no ExtensionAPI yet"}}
	case len(findings) == 0:
		return []finding{{good, "every ExtensionAPI is Ready"}}
	default:
		return findings
	}
}
