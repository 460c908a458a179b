// SPDX-License-Identifier: Apache-2.0

package discovery

import "github.com/extensionapi/extensionapi-operator/api/v1alpha1"

// replicaFailures say what a failure of a replica means, and what to do.
var replicaFailures = map[Class]struct{ reason, advice string }{
	ClassUnreachable: {
		v1alpha1.ReasonReplicaUnreachable,
		"look at the Pod, and at network policies between the operator and it",
	},
	ClassUntrusted: {
		v1alpha1.ReasonCertificateUntrusted,
		"the server does not serve the certificate in its Secret: check its flags, or restart it; see CertificatesReady",
	},
	ClassWrongName: {
		v1alpha1.ReasonCertificateForOtherName,
		"have the certificate issued for the name of the Service; see CertificatesReady",
	},
	ClassExpired: {
		v1alpha1.ReasonCertificateExpired,
		"see CertificatesReady; a server that does not read its certificate again must be restarted",
	},
	ClassRefused: {
		v1alpha1.ReasonProbeRefused,
		"discovery must be open to every authenticated user (system:discovery); look at the server's delegated " +
			"authentication and authorization",
	},
	ClassMissing: {
		v1alpha1.ReasonGroupVersionNotServed,
		"have the server serve this version, or take it out of spec.groups: what kube-apiserver takes for empty, " +
			"namespace deletion leaves behind",
	},
	ClassRedirected: {
		v1alpha1.ReasonRedirected,
		"kube-apiserver follows no redirect: have the server answer discovery itself",
	},
	ClassServerError: {v1alpha1.ReasonServerError, "look at the server's log"},
	ClassMalformed: {
		v1alpha1.ReasonMalformedAnswer,
		"something that is no extension API server answers, or one of another group",
	},
	ClassOversized: {
		v1alpha1.ReasonOversizedAnswer,
		"a discovery document takes some kilobytes; look at what the server answers",
	},
	ClassNotAsked: {v1alpha1.ReasonProbeNotPossible, "nothing is known until the operator can ask"},
	ClassOther:    {v1alpha1.ReasonConnectionBroken, "look at the server's log, and at proxies between"},
}
