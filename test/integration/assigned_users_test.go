// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestAServerRunsAsTheUserThatOpenShiftAssigns(t *testing.T) {
	t.Parallel()
	const name = "assigned-users"
	startRollout(t, name)
	awaitUser(t, name, ptr.To[int64](65532))
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	change(t, namespace, func(namespace *corev1.Namespace) {
		metav1.SetMetaDataAnnotation(&namespace.ObjectMeta, manifests.AssignedUsersAnnotation, "1000650000/10000")
	})
	awaitUser(t, name, nil)
}

func TestAServerMayLeaveItsUserToItsImage(t *testing.T) {
	t.Parallel()
	const name = "no-security-defaults"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.SecurityDefaults = v1alpha1.SecurityDefaultsNone
	apply(t, extensionAPI)
	awaitRollout(t, name)
	awaitUser(t, name, nil)
}

// awaitUser waits until the Deployment's template has that user.
func awaitUser(t *testing.T, name string, want *int64) {
	t.Helper()
	eventually(t, func() error {
		security := ptr.Deref(deploymentOf(t, name).Spec.Template.Spec.SecurityContext, corev1.PodSecurityContext{})
		if !ptr.Equal(security.RunAsUser, want) || !ptr.Equal(security.FSGroup, want) {
			return errors.New("the template has another user: " + security.String())
		}
		return nil
	})
}
