// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func reporting(
	status apiregistrationv1.ConditionStatus, reason, message string,
) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{Status: apiregistrationv1.APIServiceStatus{
		Conditions: []apiregistrationv1.APIServiceCondition{{
			Type: apiregistrationv1.Available, Status: status, Reason: reason, Message: message,
		}},
	}}
}

func TestReplicasNeedNotServeAVersionThatIsStillToBeRegistered(t *testing.T) {
	extensionAPI := &v1alpha1.ExtensionAPI{}
	extensionAPI.Spec.Groups = []v1alpha1.APIGroup{{
		Name: "a", Versions: []v1alpha1.APIVersion{{Name: "v1"}, {Name: "v2"}, {Name: "v3"}},
	}}
	available := reporting(apiregistrationv1.ConditionTrue, "Passed", "")
	unavailable := reporting(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "")
	v1, v2 := schema.GroupVersion{Group: "a", Version: "v1"}, schema.GroupVersion{Group: "a", Version: "v2"}
	v3 := schema.GroupVersion{Group: "a", Version: "v3"}
	for name, test := range map[string]struct {
		registered        map[string]*apiregistrationv1.APIService
		served, available []schema.GroupVersion
	}{
		"a new server": {nil, []schema.GroupVersion{v1, v2, v3}, nil},
		"a server with a new version": {
			map[string]*apiregistrationv1.APIService{"v1.a": available, "v2.a": unavailable},
			[]schema.GroupVersion{v1, v2},
			[]schema.GroupVersion{v1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Snapshot{ExtensionAPI: extensionAPI, Registered: Of(test.registered, nil)}
			if got := s.Served(); !slices.Equal(got, test.served) {
				t.Errorf("it should serve %v, want %v", got, test.served)
			}
			if got := s.Available(); !slices.Equal(got, test.available) {
				t.Errorf("available are %v, want %v", got, test.available)
			}
		})
	}
}

func TestAFailedCheckIsOneOfDiscovery(t *testing.T) {
	for name, test := range map[string]struct {
		apiService *apiregistrationv1.APIService
		want       string
	}{
		"no APIService":    {nil, ""},
		"nothing reported": {&apiregistrationv1.APIService{}, ""},
		"available":        {reporting(apiregistrationv1.ConditionTrue, "FailedDiscoveryCheck", "a"), ""},
		"another reason":   {reporting(apiregistrationv1.ConditionFalse, "ServiceNotFound", "a"), ""},
		"the check failed": {reporting(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "a"), "a"},
		"not printable":    {reporting(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "a\x1bb"), `a\x1bb`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := FailedCheck(test.apiService); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEveryTimeOutOfKubeAPIServersCheckIsReportedInTheSameWords(t *testing.T) {
	const request = `Get "https://10.0.0.7:443/apis/a/v1": `
	for _, words := range []string{
		"context deadline exceeded",
		"context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
		"net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
		"net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
	} {
		condition := &apiregistrationv1.APIServiceCondition{Message: request + words}
		if got := Reported(condition); got != request+"context deadline exceeded" {
			t.Errorf("%s is reported as %s", words, got)
		}
	}
}
