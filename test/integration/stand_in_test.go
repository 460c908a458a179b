// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// startReplaceable starts a server whose discovery the stand-in may serve, and waits until that is stored.
func startReplaceable(t *testing.T, p *controlPlane, name string) *extensionserver.Local {
	t.Helper()
	groupVersion := groupVersion(name+".example.com", "v1")
	signer := newSigner(t)
	server := extensionserver.Start(keyPair(t, servingFor(t, signer, name)), groupVersion)
	t.Cleanup(server.Close)
	b := p.exposeBackend(t, name, server.Port())
	b.signer = signer
	extensionAPI := b.declare(groups(groupVersion.Group, groupVersion.Version))
	extensionAPI.Spec.Discovery.StandIn = v1alpha1.StandInAutomatic
	p.create(t, extensionAPI)
	p.await(t, name, status.CurrentStatus)
	p.awaitDocuments(t, name, 1)
	return server
}

// startReplaced starts such a server, and waits until the stand-in serves in place of it, since it fails.
func startReplaced(t *testing.T, name string) *extensionserver.Local {
	t.Helper()
	server := startReplaceable(t, plane, name)
	server.Behave(failing(http.StatusInternalServerError))
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonStandIn))
	return server
}

// awaitDocuments waits until the discovery of as many group-versions is stored.
func (p *controlPlane) awaitDocuments(t *testing.T, name string, want int) {
	t.Helper()
	eventually(t, func() error {
		documents := &corev1.ConfigMap{ObjectMeta: in(operatorNamespace, manifests.DocumentsName(name))}
		err := client.IgnoreNotFound(p.client.Get(ctx, client.ObjectKeyFromObject(documents), documents))
		if got := len(manifests.DocumentedIn(documents)); err == nil && got != want {
			err = fmt.Errorf("the discovery of %d group-versions is stored, want %d", got, want)
		}
		return err
	})
}

// leadsTo checks where the APIService leads to.
func leadsTo(t *testing.T, name, service string) func() error {
	t.Helper()
	return func() error {
		for _, apiService := range apiServices(t, name) {
			if got := apiService.Spec.Service.Name; got != service {
				return fmt.Errorf("%s leads to %s, want %s", apiService.Name, got, service)
			}
		}
		return nil
	}
}

func TestDiscoveryIsServedWhileNoReplicaAnswers(t *testing.T) {
	t.Parallel()
	const name = "replaced"
	server := startReplaceable(t, plane, name)
	server.Behave(extensionserver.Behaviour{
		Discovery: extensionserver.Fault{Status: http.StatusInternalServerError},
		APIs:      extensionserver.Fault{Status: http.StatusServiceUnavailable},
		List:      extensionserver.Fault{Status: http.StatusInternalServerError},
	})

	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionReady, v1alpha1.ReasonStandIn),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonStandIn, "ready replicas do not answer discovery",
			"the operator serves discovery of v1.replaced.example.com since"),
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonStandIn, "namespaces can be deleted"),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerError, "500"))
	eventually(t, leadsTo(t, name, manifests.StandInName))
	resources := kubectl(t, "get", "--raw", "/apis/replaced.example.com/v1")
	if !strings.Contains(resources, `"widgets"`) {
		t.Errorf("discovery is %s", resources)
	}
	if output, err := runKubectl("get", "--raw", "/apis/replaced.example.com/v1/widgets"); err == nil ||
		!strings.Contains(output, "no replica of the server of ExtensionAPI replaced answers") {
		t.Errorf("an object is read: %s (%v)", output, err)
	}
	extensionAPI := awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if e.Status.StandIn == nil || e.Status.StandIn.Since == nil || e.Status.StandIn.Switches != 1 {
			return fmt.Errorf("status.standIn is %+v", e.Status.StandIn)
		}
		return nil
	})
	if columns := kubectl(t, "get", "xapi", name); !strings.Contains(columns, v1alpha1.ReasonStandIn) {
		t.Errorf("kubectl get prints %s", columns)
	}

	server.Behave(extensionserver.Behaviour{})
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady))
	eventually(t, leadsTo(t, name, name))
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		record := e.Status.StandIn
		if record == nil || record.Since != nil || record.Until.Before(extensionAPI.Status.StandIn.Since) {
			return fmt.Errorf("status.standIn is %+v", record)
		}
		return nil
	})
	remove(t, name)
	expectNoDocuments(t, name)
}

func expectNoDocuments(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		documents := &corev1.ConfigMap{ObjectMeta: in(operatorNamespace, manifests.DocumentsName(name))}
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(documents), documents)
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("what the server answered is left behind: %w", err)
		}
		return nil
	})
}

func TestAServerWhoseObjectsCanBeDeletedIsNotReplaced(t *testing.T) {
	t.Parallel()
	const name = "irreplaceable"
	server := startReplaceable(t, plane, name)
	deletable := []extensionserver.Resource{extensionserver.DeletableResource}
	server.Behave(extensionserver.Behaviour{Resources: deletable})
	plane.awaitDocuments(t, name, 0)
	server.Behave(extensionserver.Behaviour{
		Resources: deletable, Discovery: extensionserver.Fault{Status: http.StatusInternalServerError},
	})
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck", "500"))
	if err := leadsTo(t, name, name)(); err != nil {
		t.Error(err)
	}
}

func TestTheStandInEndsWhenItIsNotWantedAnyMore(t *testing.T) {
	t.Parallel()
	const name = "unwanted-stand-in"
	startReplaced(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Discovery.StandIn = v1alpha1.StandInNever })
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck", "500"))
	eventually(t, leadsTo(t, name, name))
}

func TestAStandInThatKubeAPIServerDoesNotReachIsUndone(t *testing.T) {
	t.Parallel()
	p, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	settings := installed
	settings.StandIn = controllers.StandInSettings{ServicePort: freePort(t)}
	o, err := startOperator(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	const name = "unreached"
	server := startReplaceable(t, p, name)
	server.Behave(failing(http.StatusInternalServerError))
	undone := p.awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if e.Status.StandIn == nil || e.Status.StandIn.Message == "" {
			return fmt.Errorf("status.standIn is %+v", e.Status.StandIn)
		}
		return nil
	})
	if message := undone.Status.StandIn.Message; !strings.Contains(message, "connection refused") ||
		!strings.Contains(message, "port 9443 of the operator's Pods") {
		t.Errorf("the message is %q", message)
	}
	p.await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck", "500"))
}

func TestTheServerIsServedAgainAlsoWhileItIsSuspended(t *testing.T) {
	t.Parallel()
	const name = "suspended-stand-in"
	server := startReplaced(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Suspend = true })
	server.Behave(extensionserver.Behaviour{})
	eventually(t, leadsTo(t, name, name))
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if e.Status.StandIn.Since != nil {
			return fmt.Errorf("status.standIn is %+v", e.Status.StandIn)
		}
		return nil
	})
}

func TestAnOrphanedServerIsNotLeftToTheStandIn(t *testing.T) {
	t.Parallel()
	const name = "orphaned-stand-in"
	startReplaced(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.DeletionPolicy = v1alpha1.DeletionOrphan })
	deleteNow(t, named(name))
	awaitDeleted(t, name)
	if err := leadsTo(t, name, name)(); err != nil {
		t.Error(err)
	}
	for _, apiService := range apiServices(t, name) {
		deleteNow(t, apiService)
	}
	expectNoDocuments(t, name)
}

func TestAnAPIServiceThatLeadsToTheStandInIsRecognizedWithoutItsMarks(t *testing.T) {
	t.Parallel()
	const name = "unmarked-stand-in"
	server := startReplaced(t, name)
	for apiService := range apiServices(t, name) {
		kubectl(t, "patch", "apiservice", apiService, "--type", "merge", "--patch",
			`{"metadata":{"labels":null,"annotations":null}}`)
	}
	eventually(t, func() error {
		if len(apiServices(t, name)) == 0 {
			return errors.New("the APIService does not get its marks again")
		}
		return nil
	})
	server.Behave(extensionserver.Behaviour{})
	await(t, name, status.CurrentStatus)
	eventually(t, leadsTo(t, name, name))
}
