// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestOnlyTheOperatorsOwnLabelsAreMarks(t *testing.T) {
	marked := func(labels map[string]string, uid string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Labels: labels, Annotations: map[string]string{manifests.UIDAnnotation: uid},
		}}
	}
	wanted := marked(map[string]string{
		manifests.OwnerLabel: "shop", manifests.ManagedByLabel: manifests.ManagedBy, "team": "storage",
	}, "1")
	own := map[string]string{manifests.OwnerLabel: "shop", manifests.ManagedByLabel: manifests.ManagedBy}
	for name, test := range map[string]struct {
		current *metav1.PartialObjectMetadata
		want    bool
	}{
		"without the user's label, which the cache does not keep": {marked(own, "1"), true},
		"without the owner label":                                 {marked(map[string]string{"team": "storage"}, "1"), false},
		"of another owner":                                        {marked(own, "2"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasMarks(test.current, wanted); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
