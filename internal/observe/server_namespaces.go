// SPDX-License-Identifier: Apache-2.0

package observe

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
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// ServerNamespaces are the namespaces in which the operator runs servers. The zero value stands for every namespace.
type ServerNamespaces struct {
	// own is the operator's namespace, empty when it is not confined.
	own     string
	allowed []string
	// refused are named, too, but kube-apiserver did not let the operator read there.
	refused []string
}

// rightsDelay is how long rights may come after the operator's Pod, from a tool that applies them in another order, or
// to a kube-apiserver that lags behind. It is over before the kubelet probes whether the operator is alive.
const rightsDelay = 10 * time.Second

// ConfineServers returns those of the namespaces in which kube-apiserver lets the operator list Secrets, after ten
// seconds at the latest: one Role gives all its rights there. It leaves out, and logs, the rest: with a namespace goes
// the Role in it, and the operator, which waits for all that it watches, would never start again. Without any
// namespaces the operator is not confined.
func ConfineServers(
	ctx context.Context, live client.Reader, operatorNamespace string, namespaces []string,
) ServerNamespaces {
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
		ctrl.Log.Error(err, "going without a namespace that serverNamespaces names; once it exists, have helm upgrade "+
			"create the Role there, and then restart the operator", "namespace", namespace)
		return true
	})
}

func listSecrets(ctx context.Context, live client.Reader, namespace string) error {
	secrets := &metav1.PartialObjectMetadataList{}
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	return live.List(ctx, secrets, client.InNamespace(namespace), client.Limit(1))
}

// confine leaves out the operator's own namespace, where no server may be.
func confine(operatorNamespace string, namespaces []string, refuses func(namespace string) bool) ServerNamespaces {
	if len(namespaces) == 0 {
		return ServerNamespaces{}
	}
	confined := ServerNamespaces{own: operatorNamespace}
	for _, namespace := range sets.List(sets.New(namespaces...).Delete(operatorNamespace)) {
		if refuses(namespace) {
			confined.refused = append(confined.refused, namespace)
		} else {
			confined.allowed = append(confined.allowed, namespace)
		}
	}
	return confined
}

// include reports whether the operator may run servers in the namespace.
func (n ServerNamespaces) include(namespace string) bool {
	return n.own == "" || slices.Contains(n.allowed, namespace)
}

// Cached limits the cache to what kube-apiserver lets it read. The operator's own namespace is there for the
// Secrets in it, and because a cache of no namespaces is one of all.
func (n ServerNamespaces) Cached() map[string]cache.Config {
	if n.own == "" {
		return nil
	}
	configs := map[string]cache.Config{n.own: {}}
	for _, namespace := range n.allowed {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// CachedWith limits the cache to the namespaces of servers and another one.
func (n ServerNamespaces) CachedWith(namespace string) map[string]cache.Config {
	configs := n.Cached()
	if configs != nil {
		delete(configs, n.own)
		configs[namespace] = cache.Config{}
	}
	return configs
}

// unreadable is why an object in a namespace that is not included is not read.
func (n ServerNamespaces) unreadable(source manifests.Source) finding.Finding {
	return finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf(
		"the operator may not read %s: it has no permissions in that namespace", source), finding.Stalled).
		Advising("Add the namespace to the value serverNamespaces of its Helm chart with helm upgrade, or set " +
			"spec.existingService.caBundle")
}

// outOfReach is why nothing is done for a server in a namespace that is not included.
func (n ServerNamespaces) outOfReach(namespace string) finding.Finding {
	const affected = "Nothing of the server is created, repaired or renewed; one that already runs there serves until " +
		"its certificate expires"
	if slices.Contains(n.refused, namespace) {
		return finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf(
			"the operator had no permissions in namespace %s when it started, although the value serverNamespaces of its "+
				"Helm chart names it", namespace), finding.Stalled).
			Affecting(affected).
			Advising(fmt.Sprintf("Permissions are lost when a namespace is deleted: run helm upgrade to recreate them, and "+
				"then restart the operator: kubectl -n %s rollout restart deployment extensionapi-operator", n.own))
	}
	return finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf(
		"the operator may not run servers in namespace %s, which the value serverNamespaces of its Helm chart does not "+
			"name", namespace), finding.Stalled).
		Affecting(affected).
		Advising("Add it to that value with helm upgrade, or recreate the ExtensionAPI for a namespace that is named: " +
			strings.Join(slices.Sorted(slices.Values(slices.Concat(n.allowed, n.refused))), ", "))
}
