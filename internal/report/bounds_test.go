// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestEveryTextOfAStatusIsPrintableAndAsShortAsTheSchemaAsks(t *testing.T) {
	hostile := strings.Repeat("\x1b[2J\r\n\u202e\u2066", 10_000)
	failing := &v1alpha1.DiscoveryStatus{Error: hostile}
	status := &v1alpha1.ExtensionAPIStatus{
		Conditions: []metav1.Condition{{Message: hostile}},
		APIServices: []v1alpha1.APIServiceStatus{{
			AdoptionChanges: []v1alpha1.FieldChange{{Field: hostile, From: new(hostile), To: new(hostile)}},
			Discovery:       failing.DeepCopy(),
		}},
		Endpoints: []v1alpha1.EndpointStatus{{
			Address: hostile, Pod: hostile, Ejected: &v1alpha1.EjectionStatus{Message: hostile}, Discovery: failing,
		}},
		Storage:     &v1alpha1.StorageStatus{Endpoints: []v1alpha1.StorageEndpointStatus{{Address: hostile, Error: hostile}}},
		Certificate: &v1alpha1.CertificateStatus{Rotation: &v1alpha1.RotationStatus{Next: hostile}},
	}
	Bound(status)
	apiService, endpoint := status.APIServices[0], status.Endpoints[0]
	for _, text := range []struct {
		text    string
		longest int
	}{
		{status.Conditions[0].Message, 32768},
		{apiService.AdoptionChanges[0].Field, 512},
		{*apiService.AdoptionChanges[0].From, 512},
		{*apiService.AdoptionChanges[0].To, 512},
		{apiService.Discovery.Error, 1024},
		{endpoint.Address, 300},
		{endpoint.Pod, 253},
		{endpoint.Ejected.Message, 1024},
		{endpoint.Discovery.Error, 1024},
		{status.Certificate.Rotation.Next, 1024},
		{status.Storage.Endpoints[0].Address, 300},
		{status.Storage.Endpoints[0].Error, 512},
	} {
		isHidden := func(r rune) bool { return !strconv.IsPrint(r) }
		if len(text.text) > text.longest || strings.ContainsFunc(text.text, isHidden) {
			t.Errorf("%d bytes instead of %d at most: %q", len(text.text), text.longest, text.text)
		}
	}
	Bound(&v1alpha1.ExtensionAPIStatus{Certificate: &v1alpha1.CertificateStatus{}, APIServices: status.APIServices})
}
