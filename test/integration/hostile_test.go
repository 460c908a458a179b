// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// Before a group-version is unregistered, its objects are counted, which requires requests to the server.
func TestHostileResponsesDoNotBlockTheTeardown(t *testing.T) {
	t.Parallel()
	for name, trick := range map[string]extensionserver.Body{
		"gzip-bomb": extensionserver.GzipBomb, "flood": extensionserver.Flood, "drip": extensionserver.Drip,
		"tiny-elements": extensionserver.TinyElements,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backend, server := startBackend(t, name, "v1")
			apply(t, backend.declare(groups(name+".example.com", "v1")))
			awaitRegistered(t, name)
			server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Body: trick}})
			remove(t, name)
			expectEvent(t, name, "Warning ObjectsUnreachable", "an unknown number of *."+name+".example.com")
		})
	}
}

func TestTextFromServersIsEscaped(t *testing.T) {
	t.Parallel()
	const name = "escaped"
	backend, server := startBackend(t, name, "v1")
	server.Behave(extensionserver.Behaviour{
		Discovery: extensionserver.Fault{Body: extensionserver.ControlCharacters},
	})
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed,
		`answered for group-version "\x1b[2J\x1b]0;pwned\a\r\x00\u202e\u2066evil.example.com/v1`))
}

// A kube-apiserver that no longer exists may remain in the endpoints for a long time.
func TestWaitForAnUnreachableKubeAPIServerIsBounded(t *testing.T) {
	t.Parallel()
	p, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop() })
	p.create(t, deadKubeAPIServer()) // before the operator lists them, which it does every 10 seconds
	o, err := startOperator(p, installed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	const name = "abandoned"
	backend := p.exposeBackend(t, name, freePort(t))
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	p.create(t, extensionAPI)
	p.await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed, "connection refused"))

	deleted := time.Now()
	if err := p.client.Delete(ctx, extensionAPI); err != nil {
		t.Fatal(err)
	}
	p.await(t, name, status.TerminatingStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
		"waiting for an answer of kube-apiserver "+deadAddress+":6443"))
	err = wait.PollUntilContextTimeout(ctx, poll, 2*patience, true, func(ctx context.Context) (bool, error) {
		err := p.client.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("the ExtensionAPI still exists after %s: %v", time.Since(deleted), err)
	}
	eventually(t, func() error { return expectNotAwaited(p, name) })
}

// deadAddress is reserved for documentation (RFC 5737) and not assigned to any host.
const deadAddress = "192.0.2.1"

func deadKubeAPIServer() *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  in(metav1.NamespaceDefault, "dead"),
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{deadAddress}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(6443))}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "kubernetes"}
	return slice
}

func expectNotAwaited(p *controlPlane, name string) error {
	list := &eventsv1.EventList{}
	if err := p.client.List(ctx, list, client.InNamespace(metav1.NamespaceDefault)); err != nil {
		return err
	}
	for _, event := range list.Items {
		if event.Reason == v1alpha1.ReasonKubeAPIServerNotAwaited && event.Regarding.Name == name &&
			strings.Contains(event.Note, deadAddress) {
			return nil
		}
	}
	return apierrors.NewNotFound(eventsv1.Resource("events"), v1alpha1.ReasonKubeAPIServerNotAwaited)
}

// The operator does not discover kinds, so it must distinguish kube-apiserver's response for an unknown kind from that
// for a missing object.
func TestUnknownKindIsDistinguishedFromAMissingObject(t *testing.T) {
	t.Parallel()
	for path, unknown := range map[string]bool{
		"/apis/unknown.example.com/v1/namespaces/default/things/missing":   true,
		"/apis/cert-manager.io/v9/namespaces/default/certificates/missing": true,
		"/apis/cert-manager.io/v1/namespaces/default/certificates/missing": false,
		"/api/v1/namespaces/default/configmaps/missing":                    false,
	} {
		err := restClient(t).Get().AbsPath(path).Do(ctx).Error()
		if !apierrors.IsNotFound(err) || kinds.IsUnknown(err) != unknown {
			t.Errorf("%s: %v", path, err)
		}
	}
}
