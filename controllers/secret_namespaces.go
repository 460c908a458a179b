// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// SecretNamespaces are the namespaces in which the operator may read and write Secrets; none means every namespace.
type SecretNamespaces struct {
	included []string
	// refused are named, too, but kube-apiserver did not let the operator read Secrets there.
	refused []string
}

// rightsDelay is how long rights may come after the operator's Pod, from a tool that applies them in another order, or
// to a kube-apiserver that lags behind. It is over before the kubelet asks whether the operator is alive.
const rightsDelay = 10 * time.Second

// ConfineSecrets returns the operator's own namespace and those of the others in which kube-apiserver lets the operator
// list Secrets, after ten seconds at the latest. It leaves out, and logs, the rest: with a namespace goes the
// operator's Role in it, and the operator, which waits for all that it watches, would never start again. Without any
// namespaces it is not confined.
func ConfineSecrets(
	ctx context.Context, live client.Reader, operatorNamespace string, namespaces []string,
) SecretNamespaces {
	patience, cancel := context.WithTimeout(ctx, rightsDelay)
	defer cancel()
	return confine(operatorNamespace, namespaces, func(namespace string) bool {
		var err error
		_ = wait.PollUntilContextCancel(patience, time.Second, true, func(context.Context) (bool, error) {
			err = listSecrets(ctx, live, namespace)
			return !apierrors.IsForbidden(err), nil
		})
		if !apierrors.IsForbidden(err) {
			return false // any other error may pass, and shows again when the operator starts to watch
		}
		ctrl.Log.Error(err, "going without the Secrets of a namespace that secretNamespaces names; once it exists, have "+
			"helm upgrade create the Role there, and then restart the operator", "namespace", namespace)
		return true
	})
}

func listSecrets(ctx context.Context, live client.Reader, namespace string) error {
	secrets := &metav1.PartialObjectMetadataList{}
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	return live.List(ctx, secrets, client.InNamespace(namespace), client.Limit(1))
}

func confine(operatorNamespace string, namespaces []string, refuses func(namespace string) bool) SecretNamespaces {
	if len(namespaces) == 0 {
		return SecretNamespaces{}
	}
	confined := SecretNamespaces{included: []string{operatorNamespace}}
	for _, namespace := range sets.List(sets.New(namespaces...).Delete(operatorNamespace)) {
		if refuses(namespace) {
			confined.refused = append(confined.refused, namespace)
		} else {
			confined.included = append(confined.included, namespace)
		}
	}
	return confined
}

func (n SecretNamespaces) include(namespace string) bool {
	return len(n.included) == 0 || slices.Contains(n.included, namespace)
}

// cached has the cache ask for no Secret that kube-apiserver would refuse.
func (n SecretNamespaces) cached() map[string]cache.Config {
	if len(n.included) == 0 {
		return nil
	}
	configs := map[string]cache.Config{}
	for _, namespace := range n.included {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// outOfReach says of a server in a namespace that is not included why nothing is done about its certificate.
func (n SecretNamespaces) outOfReach(namespace string) verdict {
	if slices.Contains(n.refused, namespace) {
		return bad(v1alpha1.ReasonSecretsOutOfReach, fmt.Sprintf(
			"when the operator started, it had no right to the Secrets of namespace %s, although the value secretNamespaces "+
				"of its Helm chart names it, so it neither issues nor renews the certificate of a server there; the right goes "+
				"when a namespace is deleted: have helm upgrade give it anew, and then restart the operator with kubectl "+
				"rollout restart", namespace), stalled)
	}
	return bad(v1alpha1.ReasonSecretsOutOfReach, fmt.Sprintf(
		"the operator is confined to the Secrets of the namespaces %s, so it neither issues nor renews the certificate of a "+
			"server in namespace %s; add %s to the value secretNamespaces of the operator's Helm chart, or create the "+
			"ExtensionAPI anew for one of these namespaces", strings.Join(n.included, ", "), namespace, namespace), stalled)
}
