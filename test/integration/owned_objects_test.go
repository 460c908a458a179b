// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"maps"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// startRollout declares a server in a namespace of its own and waits until the operator has done its part.
func startRollout(t *testing.T, name string) {
	t.Helper()
	createNamespace(t, name)
	apply(t, served(name))
	awaitRollout(t, name)
}

func awaitRollout(t *testing.T, name string) {
	t.Helper()
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut,
			"0 of 2 replicas", "waiting for Pods to become ready"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer),
		isFalse(v1alpha1.ConditionAvailable, v1alpha1.ReasonNotRegistered))
}

// ownedObjects are what the operator makes for a server before its Pods run, sorted.
func ownedObjects(name string) []string {
	objects := []string{
		"ClusterRoleBinding /extensionapi:" + name + ":auth-delegator",
		"ClusterRoleBinding /extensionapi:" + name + ":server",
		"Deployment " + name + "/" + name,
		"PodDisruptionBudget " + name + "/" + name,
		"RoleBinding kube-system/extensionapi:" + name + ":auth-reader",
		"Secret " + name + "/" + name + "-serving-cert",
		"Secret " + operatorNamespace + "/" + name + "-signer",
		"Service " + name + "/" + name,
		"ServiceAccount " + name + "/" + name,
	}
	slices.Sort(objects)
	return objects
}

func TestServerGetsEveryObjectThatItNeeds(t *testing.T) {
	t.Parallel()
	const name = "owned"
	startRollout(t, name)
	if found, wanted := slices.Sorted(maps.Keys(objectsOf(t, name))), ownedObjects(name); !slices.Equal(found, wanted) {
		t.Errorf("the operator made\n%q\ninstead of\n%q", found, wanted)
	}
}

func TestServerMayDoWhatEveryExtensionServerDoes(t *testing.T) {
	t.Parallel()
	const name = "rights"
	startRollout(t, name)
	for _, may := range []authorizationv1.ResourceAttributes{
		{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"},
		{Verb: "create", Group: "authorization.k8s.io", Resource: "subjectaccessreviews"},
		{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "extension-apiserver-authentication"},
		{Verb: "list", Resource: "namespaces"},
		{Verb: "watch", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"},
		{Verb: "watch", Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas"},
	} {
		if !allowed(t, name, may) {
			t.Errorf("the server may not %s %s", may.Verb, may.Resource)
		}
	}
	for _, mayNot := range []authorizationv1.ResourceAttributes{
		{Verb: "get", Resource: "secrets", Namespace: operatorNamespace},
		{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "any-other"},
		{Verb: "create", Resource: "pods", Namespace: name},
	} {
		if allowed(t, name, mayNot) {
			t.Errorf("the server may %s %s", mayNot.Verb, mayNot.Resource)
		}
	}
}

// allowed tells whether the ServiceAccount NAME in namespace NAME may do something.
func allowed(t *testing.T, name string, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + name + ":" + name,
		Groups:             []string{"system:serviceaccounts", "system:authenticated"},
		ResourceAttributes: &what,
	}}
	if err := plane.client.Create(ctx, review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

func TestServingCertificateIsVerifiedWithItsBundleUnderTheNameOfTheService(t *testing.T) {
	t.Parallel()
	const name = "certified"
	startRollout(t, name)
	expectServingCertificate(t, name)
	expiry := get(t, name).Status.Certificate
	if leaf := servingCertificate(t, name); expiry == nil || !expiry.NotAfter.Equal(&metav1.Time{Time: leaf.NotAfter}) {
		t.Errorf("status.certificate is %+v, the certificate ends %s", expiry, leaf.NotAfter)
	}
}

func TestKeyOfTheAuthorityStaysInTheOperatorsNamespace(t *testing.T) {
	t.Parallel()
	const name = "key-apart"
	startRollout(t, name)
	authority := secret(t, operatorNamespace, name+"-signer").Data[corev1.TLSPrivateKeyKey]
	if len(authority) == 0 {
		t.Fatal("the authority has no key")
	}
	secrets := &corev1.SecretList{}
	if err := plane.client.List(ctx, secrets, client.InNamespace(name)); err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets.Items {
		for key, value := range s.Data {
			if bytes.Contains(value, authority) {
				t.Errorf("Secret %s/%s holds the authority's key in %s", s.Namespace, s.Name, key)
			}
		}
	}
}

// expectServingCertificate makes sure that kube-apiserver would accept the server by the bundle beside its certificate.
func expectServingCertificate(t *testing.T, name string) {
	t.Helper()
	leaf := servingCertificate(t, name)
	if _, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok {
		t.Errorf("the serving certificate has a %T", leaf.PublicKey)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret(t, name, name+"-serving-cert").Data["ca.crt"]) {
		t.Error("the bundle holds no certificate")
	}
	for _, host := range []string{name + "." + name + ".svc", name + "." + name + ".svc.cluster.local"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("verifying the serving certificate for %s: %v", host, err)
		}
	}
}

func servingCertificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	certificates, err := cert.ParseCertsPEM(secret(t, name, name+"-serving-cert").Data[corev1.TLSCertKey])
	if err != nil {
		t.Fatal(err)
	}
	return certificates[0]
}

func secret(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	found := &corev1.Secret{}
	if err := plane.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, found); err != nil {
		t.Fatal(err)
	}
	return found
}
