// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of an ExtensionAPI, in the order of its life.
const (
	// ConditionClaimed: no group-version belongs to somebody else.
	ConditionClaimed = "Claimed"
	// ConditionCertificatesReady: a serving certificate and its trust bundle exist and fit each other.
	ConditionCertificatesReady = "CertificatesReady"
	// ConditionServerAvailable: at least one replica is ready to serve.
	ConditionServerAvailable = "ServerAvailable"
	// ConditionRegistered: every group-version has its APIService.
	ConditionRegistered = "Registered"
	// ConditionAPIServicesAvailable: kube-apiserver reports every APIService available.
	ConditionAPIServicesAvailable = "APIServicesAvailable"
	// ConditionDiscoveryWithinLimit: every group-version answers discovery within spec.discovery.limit.
	ConditionDiscoveryWithinLimit = "DiscoveryWithinLimit"
	// ConditionReady: Claimed, CertificatesReady, ServerAvailable, Registered and APIServicesAvailable are all True.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator or the cluster works towards the spec (kstatus).
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when nothing will change until somebody acts (kstatus).
	ConditionStalled = "Stalled"
)

// Reasons that several condition types share.
const (
	// ReasonPending: not looked at yet; an earlier phase comes first.
	ReasonPending = "Pending"
	// ReasonDeleting: the ExtensionAPI is being torn down.
	ReasonDeleting = "Deleting"
	// ReasonAsDesired: nothing is left to do (Reconciling and Stalled).
	ReasonAsDesired = "AsDesired"
	// ReasonReady: everything is in place (Ready).
	ReasonReady = "Ready"

	// ReasonNamespaceNotFound: spec.server.namespace does not exist.
	ReasonNamespaceNotFound = "NamespaceNotFound"
	// ReasonNamespaceTerminating: the server's namespace is being deleted.
	ReasonNamespaceTerminating = "NamespaceTerminating"
	// ReasonNamespaceOutOfReach: the operator may not run servers in spec.server.namespace.
	ReasonNamespaceOutOfReach = "NamespaceOutOfReach"
	// ReasonNameConflict: an object with a name that the operator needs belongs to somebody else.
	ReasonNameConflict = "NameConflict"
	// ReasonRefused: the API server refused an object (admission, quota, validation).
	ReasonRefused = "Refused"
)

// Reasons of Claimed; those that begin with HeldBy say whose a group-version is.
const (
	// ReasonClaimed: every group-version is this ExtensionAPI's.
	ReasonClaimed = "Claimed"
	// ReasonContested: every group-version is this ExtensionAPI's, but somebody else wants one, too.
	ReasonContested = "Contested"
	// ReasonHeldByBuiltInGroup: kube-apiserver serves it itself.
	ReasonHeldByBuiltInGroup = "HeldByBuiltInGroup"
	// ReasonHeldByCustomResourceDefinition: a CustomResourceDefinition has it, served or not.
	ReasonHeldByCustomResourceDefinition = "HeldByCustomResourceDefinition"
	// ReasonHeldByLocalAPIService: an APIService has kube-apiserver serve it itself.
	ReasonHeldByLocalAPIService = "HeldByLocalAPIService"
	// ReasonHeldByHelmRelease: its APIService belongs to a Helm release.
	ReasonHeldByHelmRelease = "HeldByHelmRelease"
	// ReasonHeldByOLM: its APIService belongs to the Operator Lifecycle Manager.
	ReasonHeldByOLM = "HeldByOLM"
	// ReasonHeldByExtensionAPI: another ExtensionAPI has it, or is older and wants it, or an earlier one has left it.
	ReasonHeldByExtensionAPI = "HeldByExtensionAPI"
	// ReasonHeldByOther: its APIService belongs to somebody else.
	ReasonHeldByOther = "HeldByOther"
)

// Reasons of CertificatesReady.
const (
	// ReasonIssued: the operator issued the serving certificate.
	ReasonIssued = "Issued"
	// ReasonUserProvided: the certificate comes from somebody else: from a Secret, or with the existing backend, which is
	// verified with spec.existingService.caBundle.
	ReasonUserProvided = "UserProvided"
	// ReasonRotating: certificates are being replaced, step by step; status.certificate.rotation tells how far it is.
	ReasonRotating = "Rotating"
	// ReasonRotationStuck: a step of the replacement takes much longer than it should.
	ReasonRotationStuck = "RotationStuck"
	// ReasonExpiresSoon: a certificate is about to expire that somebody else has to renew, or that nobody renews while
	// spec.suspend is true.
	ReasonExpiresSoon = "ExpiresSoon"
	// ReasonSecretNotFound: the Secret with the certificate does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretRefused: the certificate in the Secret cannot be served.
	ReasonSecretRefused = "SecretRefused"
	// ReasonCertManagerMissing: cert-manager is not installed.
	ReasonCertManagerMissing = "CertManagerMissing"
	// ReasonCertManagerDisabled: the operator may not ask cert-manager for certificates.
	ReasonCertManagerDisabled = "CertManagerDisabled"
	// ReasonInvalidCABundle: spec.existingService.caBundle cannot be parsed or holds no usable authority.
	ReasonInvalidCABundle = "InvalidCABundle"
)

// Reasons of ServerAvailable.
const (
	// ReasonReplicasAvailable: all replicas are up to date and available.
	ReasonReplicasAvailable = "ReplicasAvailable"
	// ReasonRollingOut: replicas are being started or replaced.
	ReasonRollingOut = "RollingOut"
	// ReasonRolloutStalled: the Deployment has passed its progress deadline.
	ReasonRolloutStalled = "RolloutStalled"
	// ReasonPodsRefused: the cluster refuses to create Pods (quota, admission).
	ReasonPodsRefused = "PodsRefused"
	// ReasonImagePullFailed: an image cannot be pulled.
	ReasonImagePullFailed = "ImagePullFailed"
	// ReasonCrashing: a container exits or is killed again and again.
	ReasonCrashing = "Crashing"
	// ReasonContainerConfigError: a container cannot be started as the template asks.
	ReasonContainerConfigError = "ContainerConfigError"
	// ReasonUnschedulable: no node takes the Pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonEndpointsReady: the existing Service has ready endpoints.
	ReasonEndpointsReady = "EndpointsReady"
	// ReasonServiceNotFound: the Service of spec.existingService does not exist.
	ReasonServiceNotFound = "ServiceNotFound"
	// ReasonServicePortNotFound: the Service does not have the port of spec.existingService.
	ReasonServicePortNotFound = "ServicePortNotFound"
	// ReasonNoReadyEndpoints: the Service has no ready endpoint.
	ReasonNoReadyEndpoints = "NoReadyEndpoints"
	// ReasonServiceNotRoutable: kube-apiserver cannot route to the Service. Registered has it, too.
	ReasonServiceNotRoutable = "ServiceNotRoutable"
	// ReasonExternalNameNotRouted: kube-apiserver runs with --enable-aggregator-routing, and so cannot route to the
	// Service, which is of type ExternalName. Registered has it, too.
	ReasonExternalNameNotRouted = "ExternalNameNotRouted"
)

// Reasons of Registered.
const (
	// ReasonServiceUnreachable: the replicas answer discovery, but the Service's address does not yet.
	ReasonServiceUnreachable = "ServiceUnreachable"
	// ReasonRegistered: every group-version has its APIService.
	ReasonRegistered = "Registered"
	// ReasonProbing: ready replicas have not answered discovery of every group-version yet.
	ReasonProbing = "Probing"
	// ReasonProbeFailed: a ready replica fails discovery of a group-version.
	ReasonProbeFailed = "ProbeFailed"
	// ReasonWaitingForServer: there is no ready replica yet.
	ReasonWaitingForServer = "WaitingForServer"
	// ReasonNotClaimed: a group-version belongs to somebody else.
	ReasonNotClaimed = "NotClaimed"
	// ReasonAggregationLayerNotConfigured: a kube-apiserver lacks what it needs to be known to extension API servers.
	// APIServicesAvailable has it, too, when that is why a registered server is not available.
	ReasonAggregationLayerNotConfigured = "AggregationLayerNotConfigured"
)

// Reasons of APIServicesAvailable that are the operator's; any other is the reason kube-apiserver gave.
const (
	// ReasonAllAvailable: kube-apiserver reports every APIService available.
	ReasonAllAvailable = "AllAvailable"
	// ReasonNotRegistered: not every group-version has an APIService.
	ReasonNotRegistered = "NotRegistered"
	// ReasonNotReported: kube-apiserver has not written a condition yet.
	ReasonNotReported = "NotReported"
)

// Reasons of DiscoveryWithinLimit that are no failure, or say that nothing is known; ReasonProbing is another.
const (
	// ReasonWithinLimit: every group-version answers within the limit.
	ReasonWithinLimit = "WithinLimit"
	// ReasonNearLimit: a group-version answers within the limit, but not far from it.
	ReasonNearLimit = "NearLimit"
	// ReasonNotAvailable: kube-apiserver answers for the server itself, so nothing can be measured.
	ReasonNotAvailable = "NotAvailable"
	// ReasonReplicaEjected: it is within the limit since a bad replica gets no requests any more.
	ReasonReplicaEjected = "ReplicaEjected"
	// ReasonOpenAPISlow: discovery is within the limit, but the list of OpenAPI v3 documents is not.
	ReasonOpenAPISlow = "OpenAPISlow"
	// ReasonOperatorBlocked: requests are served, but the operator reaches no replica.
	ReasonOperatorBlocked = "OperatorBlocked"
	// ReasonKubeAPIServerBusy: a kube-apiserver turns requests away.
	ReasonKubeAPIServerBusy = "KubeAPIServerBusy"
	// ReasonProbeNotPossible: the operator cannot ask: it has no token, or no list of kube-apiservers.
	ReasonProbeNotPossible = "ProbeNotPossible"
	// ReasonKubeAPIServerUnreachable: the operator cannot reach a kube-apiserver.
	ReasonKubeAPIServerUnreachable = "KubeAPIServerUnreachable"
)

// Reasons of DiscoveryWithinLimit that name the cause of a failure.
const (
	// ReasonLimitExceeded: requests through kube-apiserver are bad, and what the replicas do is not known.
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonNotPassedOn: a kube-apiserver answers itself instead of sending requests on to the server.
	ReasonNotPassedOn = "NotPassedOn"
	// ReasonServerSlow: every replica takes too long.
	ReasonServerSlow = "ServerSlow"
	// ReasonReplicaSlow: a replica takes too long while another does not.
	ReasonReplicaSlow = "ReplicaSlow"
	// ReasonNetworkSlow: requests through kube-apiserver take too long although no replica does.
	ReasonNetworkSlow = "NetworkSlow"
	// ReasonNetworkBlocked: kube-apiserver does not reach the replicas, which the operator does.
	ReasonNetworkBlocked = "NetworkBlocked"
	// ReasonReplicaUnreachable: the operator does not reach a replica that should be ready.
	ReasonReplicaUnreachable = "ReplicaUnreachable"
	// ReasonCertificateUntrusted: the serving certificate does not lead to an authority in the bundle.
	ReasonCertificateUntrusted = "CertificateUntrusted"
	// ReasonCertificateForOtherName: the serving certificate is not for the name of the Service.
	ReasonCertificateForOtherName = "CertificateForOtherName"
	// ReasonCertificateExpired: the serving certificate, or an authority above it, is not valid now.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonProbeRefused: a replica does not let an authenticated user see discovery.
	ReasonProbeRefused = "ProbeRefused"
	// ReasonFrontProxyRefused: the server does not accept kube-apiserver's front-proxy certificate.
	ReasonFrontProxyRefused = "FrontProxyRefused"
	// ReasonGroupVersionNotServed: a replica does not know a group-version of the spec.
	ReasonGroupVersionNotServed = "GroupVersionNotServed"
	// ReasonStale: kube-apiserver marks a group-version Stale although the server answers for it.
	ReasonStale = "Stale"
	// ReasonEmpty: kube-apiserver knows of no resource in a group-version although the server has some.
	ReasonEmpty = "Empty"
	// ReasonAggregatedDiscoveryFails: a replica does not answer GET /apis in time, which makes it Stale.
	ReasonAggregatedDiscoveryFails = "AggregatedDiscoveryFails"
	// ReasonLeftOutOfDiscovery: a replica leaves a group-version out of GET /apis that it serves.
	ReasonLeftOutOfDiscovery = "LeftOutOfDiscovery"
	// ReasonRedirected: a replica redirects discovery.
	ReasonRedirected = "Redirected"
	// ReasonServerError: a replica answers discovery with an error.
	ReasonServerError = "ServerError"
	// ReasonMalformedAnswer: what a replica answers is no discovery of the group-version.
	ReasonMalformedAnswer = "MalformedAnswer"
	// ReasonOversizedAnswer: what a replica answers is far too large.
	ReasonOversizedAnswer = "OversizedAnswer"
	// ReasonConnectionBroken: a replica breaks the connection off.
	ReasonConnectionBroken = "ConnectionBroken"
)

// Reasons of Events that tell of what was done; ReasonReplicaEjected is another.
const (
	// ReasonCertificateIssued: a serving certificate was issued.
	ReasonCertificateIssued = "CertificateIssued"
	// ReasonAdopted: the APIService of somebody else was taken over.
	ReasonAdopted = "Adopted"
	// ReasonReleased: the ExtensionAPI was deleted, and everything of it left running.
	ReasonReleased = "Released"
	// ReasonLeftBehind: the ExtensionAPI was deleted, and what it had where the operator may not run servers was not.
	ReasonLeftBehind = "LeftBehind"
	// ReasonObjectsUnreachable: the objects of a group-version are about to become unreachable.
	ReasonObjectsUnreachable = "ObjectsUnreachable"
	// ReasonKubeAPIServerNotAwaited: a server is stopped although it is not known whether a kube-apiserver still sends
	// requests to it.
	ReasonKubeAPIServerNotAwaited = "KubeAPIServerNotAwaited"
	// ReasonResumed: spec.suspend is false again.
	ReasonResumed = "Resumed"
	// ReasonReplicaRestored: a replica that was ejected was put back into the Service.
	ReasonReplicaRestored = "ReplicaRestored"
)

// Reasons of Reconciling.
const (
	// ReasonRetrying: kube-apiserver failed a request; it is tried again. Registered has it, too.
	ReasonRetrying = "Retrying"
	// ReasonNotObserved: for three minutes, the condition could not be looked at.
	ReasonNotObserved = "NotObserved"
	// ReasonSuspended: nothing is being done, since spec.suspend is true. CertificatesReady, ServerAvailable and
	// Registered have it, too, where that is in their way.
	ReasonSuspended = "Suspended"
	// ReasonStalled: nothing is being done, since somebody has to act first.
	ReasonStalled = "Stalled"
	// ReasonProgressing: the operator or the cluster works towards the spec.
	ReasonProgressing = "Progressing"
)
