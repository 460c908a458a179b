// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// named returns a reference to an ExtensionAPI.
func named(name string) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// served returns an ExtensionAPI of NAME.example.com/v1 whose server the operator runs in namespace NAME.
func served(name string) *v1alpha1.ExtensionAPI {
	extensionAPI := named(name)
	extensionAPI.Spec = v1alpha1.ExtensionAPISpec{
		Groups: groups(name+".example.com", "v1"),
		Server: &v1alpha1.Server{
			Namespace: name,
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: v1alpha1.ServerContainer, Image: "registry.example.com/server"}},
			}},
		},
	}
	return extensionAPI
}

// servedWith returns one like it, with a modification.
func servedWith(name string, modify modification) *v1alpha1.ExtensionAPI {
	extensionAPI := served(name)
	modify(extensionAPI)
	return extensionAPI
}

func groups(group string, versions ...string) []v1alpha1.APIGroup {
	result := v1alpha1.APIGroup{Name: group}
	for _, version := range versions {
		result.Versions = append(result.Versions, v1alpha1.APIVersion{Name: version})
	}
	return []v1alpha1.APIGroup{result}
}

// shared allows other owners to have versions of the groups.
func shared(groups []v1alpha1.APIGroup) []v1alpha1.APIGroup {
	for i := range groups {
		groups[i].Sharing = v1alpha1.SharingAllowed
	}
	return groups
}

func groupVersion(group, version string) schema.GroupVersion {
	return schema.GroupVersion{Group: group, Version: version}
}

// backend is an extension API server that already runs behind a Service.
type backend struct {
	service *corev1.Service
	signer  pki.KeyPair
	port    int32
}

// exposeBackend creates a namespace and a Service of that name for a server on a port of this machine.
func exposeBackend(t *testing.T, name string, port int32) *backend {
	t.Helper()
	return plane.exposeBackend(t, name, port)
}

func (p *controlPlane) exposeBackend(t *testing.T, name string, port int32) *backend {
	t.Helper()
	p.create(t, &corev1.Namespace{ObjectMeta: in("", name)})
	b := &backend{
		signer:  newSigner(t),
		port:    port,
		service: localService(name),
	}
	p.create(t, b.service)
	return b
}

// localService returns a Service that resolves to this machine.
func localService(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: in(name, name),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
}

// declare returns an ExtensionAPI for the backend, with frequent probes and without the stand-in, so that what is found
// of a server that does not answer is what kube-apiserver meets.
func (b *backend) declare(groups []v1alpha1.APIGroup) *v1alpha1.ExtensionAPI {
	extensionAPI := named(b.service.Name)
	extensionAPI.Spec = v1alpha1.ExtensionAPISpec{
		Groups: groups,
		ExistingService: &v1alpha1.ExistingService{
			Namespace: b.service.Namespace, Name: b.service.Name, Port: b.port, CABundle: b.signer.Certificate,
		},
		Discovery: v1alpha1.Discovery{
			Interval: &metav1.Duration{Duration: time.Second}, StandIn: v1alpha1.StandInNever,
		},
	}
	return extensionAPI
}

// startBackend runs an extensionserver that serves the versions of group NAME.example.com.
func startBackend(t *testing.T, name string, versions ...string) (*backend, *extensionserver.Local) {
	t.Helper()
	var groupVersions []schema.GroupVersion
	for _, version := range versions {
		groupVersions = append(groupVersions, groupVersion(name+".example.com", version))
	}
	signer := newSigner(t)
	server := extensionserver.Start(keyPair(t, servingFor(t, signer, name)), groupVersions...)
	t.Cleanup(server.Close)
	b := exposeBackend(t, name, server.Port())
	b.signer = signer
	return b, server
}

// failing returns a behaviour that fails discovery with the status.
func failing(status int) extensionserver.Behaviour {
	return extensionserver.Behaviour{Discovery: extensionserver.Fault{Status: status}}
}

// slow returns a behaviour that delays discovery.
func slow(delay time.Duration) extensionserver.Behaviour {
	return extensionserver.Behaviour{Discovery: extensionserver.Slow(delay)}
}

func newSigner(t *testing.T) pki.KeyPair {
	t.Helper()
	signer, err := pki.NewSigner("integration test", time.Now(), v1alpha1.DefaultCAValidity)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// servingFor returns a serving certificate for the Service NAME in namespace NAME.
func servingFor(t *testing.T, signer pki.KeyPair, name string) pki.KeyPair {
	t.Helper()
	serving, err := signer.IssueServing([]string{name + "." + name + ".svc"}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return serving
}

func keyPair(t *testing.T, pair pki.KeyPair) tls.Certificate {
	t.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
