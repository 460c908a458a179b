// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

func layerFindings(layer aggregation.Configuration) []finding.Finding {
	var findings []finding.Finding
	for _, missing := range layer.Missing {
		findings = append(findings, failed("the aggregation layer is not configured, so no server can be registered: "+
			missing, "Set these flags of kube-apiserver"))
	}
	for _, unknown := range layer.Unknown {
		findings = append(findings, suspicious("cannot determine whether the aggregation layer is configured: "+unknown))
	}
	if len(findings) == 0 {
		return []finding.Finding{ok("the aggregation layer is configured")}
	}
	return findings
}

// checkExtensionAPIs only warns about those that are not Ready: a server may not work even though the operator does.
func checkExtensionAPIs(ctx context.Context, reader client.Reader) []finding.Finding {
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil {
		return []finding.Finding{suspicious(fmt.Sprintf("cannot determine the state of the ExtensionAPIs: %v", err))}
	}
	return extensionAPIFindings(list.Items)
}

func extensionAPIFindings(extensionAPIs []v1alpha1.ExtensionAPI) []finding.Finding {
	var findings []finding.Finding
	for i := range extensionAPIs {
		name, conditions := extensionAPIs[i].Name, extensionAPIs[i].Status.Conditions
		if meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) {
			continue
		}
		ready := ptr.Deref(meta.FindStatusCondition(conditions, v1alpha1.ConditionReady),
			metav1.Condition{Reason: v1alpha1.ReasonPending, Message: "the operator has not reconciled it yet"})
		findings = append(findings, suspicious(fmt.Sprintf("ExtensionAPI %s is not Ready (%s): %s", name, ready.Reason,
			ready.Message)).Advising("See: kubectl describe extensionapi "+name))
	}
	switch {
	case len(extensionAPIs) == 0:
		return []finding.Finding{ok("there is no ExtensionAPI yet")}
	case len(findings) == 0:
		return []finding.Finding{ok("every ExtensionAPI is Ready")}
	default:
		return findings
	}
}

// checkAPIServices warns about those that are not available, whoever owns them: each affects the whole cluster.
func checkAPIServices(ctx context.Context, reader client.Reader) []finding.Finding {
	list := &apiregistrationv1.APIServiceList{}
	if err := reader.List(ctx, list); err != nil {
		return []finding.Finding{suspicious(fmt.Sprintf("cannot determine the state of the APIServices: %v", err))}
	}
	return apiServiceFindings(list.Items)
}

func apiServiceFindings(apiServices []apiregistrationv1.APIService) []finding.Finding {
	var findings []finding.Finding
	for i := range apiServices {
		if found := diagnosis.APIService(&apiServices[i]); found.Found() {
			findings = append(findings, found.Alarming())
		}
	}
	if len(findings) == 0 {
		return []finding.Finding{ok("every APIService is available")}
	}
	return findings
}
