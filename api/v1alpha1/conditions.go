// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of an ExtensionAPI, in the order of its lifecycle.
const (
	// ConditionClaimed: no group-version belongs to another owner.
	ConditionClaimed = "Claimed"
	// ConditionCertificatesReady: a serving certificate and its trust bundle exist and match.
	ConditionCertificatesReady = "CertificatesReady"
	// ConditionServerAvailable: at least one replica is ready to serve.
	ConditionServerAvailable = "ServerAvailable"
	// ConditionRegistered: every group-version has its APIService.
	ConditionRegistered = "Registered"
	// ConditionAPIServicesAvailable: kube-apiserver reports every APIService available.
	ConditionAPIServicesAvailable = "APIServicesAvailable"
	// ConditionDiscoveryWithinLimit: every group-version answers discovery within spec.discovery.limit.
	ConditionDiscoveryWithinLimit = "DiscoveryWithinLimit"
	// ConditionServesObjects: the server answers requests for its objects, and for the documents about them, as
	// Kubernetes' own controllers expect.
	ConditionServesObjects = "ServesObjects"
	// ConditionNamespacesDeletable: no namespace that is being deleted waits for the API.
	ConditionNamespacesDeletable = "NamespacesDeletable"
	// ConditionControllersAvailable: each controller has at least one available replica. It takes no part in Ready.
	ConditionControllersAvailable = "ControllersAvailable"
	// ConditionStorageAvailable: the server reaches spec.server.storage. It takes no part in Ready: a server whose storage
	// fails is not available either.
	ConditionStorageAvailable = "StorageAvailable"
	// ConditionReady: Claimed, CertificatesReady, ServerAvailable, Registered and APIServicesAvailable are all True.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator or the cluster works towards the spec (kstatus).
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when nothing will change until a user acts (kstatus).
	ConditionStalled = "Stalled"
)

// Reasons that several condition types share.
const (
	// ReasonPending: not evaluated yet; an earlier phase comes first.
	ReasonPending = "Pending"
	// ReasonDeleting: the ExtensionAPI is being torn down.
	ReasonDeleting = "Deleting"
	// ReasonAsDesired: there is nothing to do (Reconciling and Stalled).
	ReasonAsDesired = "AsDesired"
	// ReasonReady: everything is in place (Ready).
	ReasonReady = "Ready"

	// ReasonNamespaceNotFound: spec.server.namespace does not exist.
	ReasonNamespaceNotFound = "NamespaceNotFound"
	// ReasonNamespaceTerminating: the server's namespace is being deleted.
	ReasonNamespaceTerminating = "NamespaceTerminating"
	// ReasonNamespaceNotAllowed: the operator is not permitted to run servers in spec.server.namespace.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonNameConflict: an object with a name that the operator needs belongs to another owner.
	ReasonNameConflict = "NameConflict"
	// ReasonRejected: the API server rejected an object (admission, quota, validation).
	ReasonRejected = "Rejected"
)

// Reasons of Claimed; those that begin with HeldBy name the kind of a group-version's owner.
const (
	// ReasonClaimed: every group-version belongs to this ExtensionAPI.
	ReasonClaimed = "Claimed"
	// ReasonContested: every group-version belongs to this ExtensionAPI, but another owner also wants one.
	ReasonContested = "Contested"
	// ReasonHeldByBuiltInGroup: kube-apiserver serves it itself.
	ReasonHeldByBuiltInGroup = "HeldByBuiltInGroup"
	// ReasonHeldByCustomResourceDefinition: a CustomResourceDefinition has it, served or not.
	ReasonHeldByCustomResourceDefinition = "HeldByCustomResourceDefinition"
	// ReasonHeldByLocalAPIService: an APIService without a Service makes kube-apiserver serve it itself.
	ReasonHeldByLocalAPIService = "HeldByLocalAPIService"
	// ReasonHeldByHelmRelease: its APIService belongs to a Helm release.
	ReasonHeldByHelmRelease = "HeldByHelmRelease"
	// ReasonHeldByOLM: its APIService belongs to the Operator Lifecycle Manager.
	ReasonHeldByOLM = "HeldByOLM"
	// ReasonHeldByExtensionAPI: another ExtensionAPI has it, or is older and wants it, or an earlier one orphaned it.
	ReasonHeldByExtensionAPI = "HeldByExtensionAPI"
	// ReasonHeldByOther: its APIService belongs to another owner.
	ReasonHeldByOther = "HeldByOther"
)

// Reasons of CertificatesReady.
const (
	// ReasonIssued: the operator issued the serving certificate.
	ReasonIssued = "Issued"
	// ReasonUserProvided: the operator does not issue the certificate: it is in a Secret, or the existing server has it,
	// which is verified with spec.existingService.caBundle or caBundleFrom.
	ReasonUserProvided = "UserProvided"
	// ReasonRotating: certificates are being replaced, step by step; status.certificate.rotation has the progress.
	ReasonRotating = "Rotating"
	// ReasonRotationStuck: a step of the replacement takes much longer than it should.
	ReasonRotationStuck = "RotationStuck"
	// ReasonExpiresSoon: a certificate is about to expire that the operator does not renew: its issuer has to, or
	// spec.suspend is true.
	ReasonExpiresSoon = "ExpiresSoon"
	// ReasonSecretNotFound: the Secret with the certificate does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonInvalidCertificate: the certificate in the Secret is invalid, and is not served.
	ReasonInvalidCertificate = "InvalidCertificate"
	// ReasonCertManagerMissing: cert-manager is not installed.
	ReasonCertManagerMissing = "CertManagerMissing"
	// ReasonCertManagerDisabled: the operator is not permitted to request certificates from cert-manager.
	ReasonCertManagerDisabled = "CertManagerDisabled"
	// ReasonInvalidCABundle: spec.existingService.caBundle, or what caBundleFrom references, cannot be parsed or contains
	// no usable CA.
	ReasonInvalidCABundle = "InvalidCABundle"
	// ReasonCABundleNotFound: the object or the key that spec.existingService.caBundleFrom references does not exist.
	ReasonCABundleNotFound = "CABundleNotFound"
	// ReasonClusterTrustBundlesNotServed: kube-apiserver does not serve ClusterTrustBundles.
	ReasonClusterTrustBundlesNotServed = "ClusterTrustBundlesNotServed"
)

// Reasons of ServerAvailable.
const (
	// ReasonReplicasAvailable: all replicas are up to date and available.
	ReasonReplicasAvailable = "ReplicasAvailable"
	// ReasonRollingOut: replicas are being started or replaced.
	ReasonRollingOut = "RollingOut"
	// ReasonProgressDeadlineExceeded: the Deployment has passed its progress deadline.
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
	// ReasonFailedCreate: the cluster refuses to create Pods (quota, admission).
	ReasonFailedCreate = "FailedCreate"
	// ReasonImagePullBackOff: an image cannot be pulled.
	ReasonImagePullBackOff = "ImagePullBackOff"
	// ReasonCrashLoopBackOff: a container repeatedly exits or is killed.
	ReasonCrashLoopBackOff = "CrashLoopBackOff"
	// ReasonCreateContainerError: a container cannot be started with the template's configuration.
	ReasonCreateContainerError = "CreateContainerError"
	// ReasonUnschedulable: the Pod fits no node.
	ReasonUnschedulable = "Unschedulable"
	// ReasonUnhealthy: a Pod is not ready, since a probe or a health check of the server fails.
	ReasonUnhealthy = "Unhealthy"
	// ReasonFailedMount: a volume of a Pod cannot be mounted. It and the four that follow are reasons of Events of Pods
	// (k8s.io/kubernetes pkg/kubelet/events/event.go).
	ReasonFailedMount = "FailedMount"
	// ReasonFailedAttachVolume: a volume cannot be attached to the Pod's node.
	ReasonFailedAttachVolume = "FailedAttachVolume"
	// ReasonFailedMapVolume: a block volume cannot be mapped.
	ReasonFailedMapVolume = "FailedMapVolume"
	// ReasonFailedCreatePodSandBox: the sandbox or the network of a Pod cannot be created.
	ReasonFailedCreatePodSandBox = "FailedCreatePodSandBox"
	// ReasonFailedCreatePodContainer: the cgroup of a Pod cannot be created.
	ReasonFailedCreatePodContainer = "FailedCreatePodContainer"
	// ReasonScaledToZero: the Deployment is wanted without a replica.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonServiceMonitorsUnknown: the cluster does not know the kind ServiceMonitor, which the spec wants an object of.
	ReasonServiceMonitorsUnknown = "ServiceMonitorsUnknown"
	// ReasonReplicasUnavailable: a replica of a complete rollout is not ready any more.
	ReasonReplicasUnavailable = "ReplicasUnavailable"
	// ReasonEndpointsReady: the existing Service has ready endpoints.
	ReasonEndpointsReady = "EndpointsReady"
	// ReasonServiceNotFound: the Service of spec.existingService does not exist.
	ReasonServiceNotFound = "ServiceNotFound"
	// ReasonServicePortNotFound: the Service does not have the port of spec.existingService.
	ReasonServicePortNotFound = "ServicePortNotFound"
	// ReasonNoReadyEndpoints: the Service has no ready endpoint.
	ReasonNoReadyEndpoints = "NoReadyEndpoints"
	// ReasonServiceNotRoutable: kube-apiserver cannot route to the Service. It is also a reason of Registered.
	ReasonServiceNotRoutable = "ServiceNotRoutable"
	// ReasonExternalNameNotRoutable: kube-apiserver runs with --enable-aggregator-routing, and so cannot route to the
	// Service, which is of type ExternalName. It is also a reason of Registered.
	ReasonExternalNameNotRoutable = "ExternalNameNotRoutable"
	// ReasonPodLabelsInUse: the Service or a PodDisruptionBudget of an earlier server would select the Pods, too.
	ReasonPodLabelsInUse = "PodLabelsInUse"
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
	// ReasonNotClaimed: a group-version belongs to another owner.
	ReasonNotClaimed = "NotClaimed"
	// ReasonAggregationLayerNotConfigured: a kube-apiserver lacks the configuration to authenticate to extension API
	// servers. It is also a reason of APIServicesAvailable, if a registered server is unavailable because of it.
	ReasonAggregationLayerNotConfigured = "AggregationLayerNotConfigured"
)

// Reasons of APIServicesAvailable that the operator sets; any other is the reason from kube-apiserver.
const (
	// ReasonAllAvailable: kube-apiserver reports every APIService available.
	ReasonAllAvailable = "AllAvailable"
	// ReasonNotRegistered: not every group-version has an APIService.
	ReasonNotRegistered = "NotRegistered"
	// ReasonNotReported: kube-apiserver has not written a condition yet.
	ReasonNotReported = "NotReported"
	// ReasonStandIn: no replica answers, and the operator serves discovery in place of the server. It is also a reason of
	// ServerAvailable and Ready.
	ReasonStandIn = "StandIn"
)

// Reasons of DiscoveryWithinLimit that are not failures, or mean that nothing is known; ReasonProbing is another.
const (
	// ReasonWithinLimit: every group-version answers within the limit.
	ReasonWithinLimit = "WithinLimit"
	// ReasonNearLimit: a group-version answers within the limit, but close to it.
	ReasonNearLimit = "NearLimit"
	// ReasonNotAvailable: kube-apiserver sends no requests to the server, so nothing can be measured.
	ReasonNotAvailable = "NotAvailable"
	// ReasonReplicaEjected: it is within the limit since an unhealthy replica was ejected.
	ReasonReplicaEjected = "ReplicaEjected"
	// ReasonOpenAPISlow: discovery is within the limit, but the list of OpenAPI v3 documents is not.
	ReasonOpenAPISlow = "OpenAPISlow"
	// ReasonMissingWithoutImpact: a group-version is missing in aggregated discovery, but its resources offer only get.
	ReasonMissingWithoutImpact = "MissingWithoutImpact"
	// ReasonNoResources: a group-version answers discovery without any resource.
	ReasonNoResources = "NoResources"
	// ReasonOperatorBlocked: requests are served, but the operator cannot reach any replica.
	ReasonOperatorBlocked = "OperatorBlocked"
	// ReasonKubeAPIServerBusy: a kube-apiserver rejects requests because of load.
	ReasonKubeAPIServerBusy = "KubeAPIServerBusy"
	// ReasonProbeNotPossible: the operator cannot probe: it has no token, or no list of kube-apiservers.
	ReasonProbeNotPossible = "ProbeNotPossible"
	// ReasonKubeAPIServerUnreachable: the operator cannot reach a kube-apiserver.
	ReasonKubeAPIServerUnreachable = "KubeAPIServerUnreachable"
)

// Reasons of DiscoveryWithinLimit that name the cause of a failure.
const (
	// ReasonLimitExceeded: requests through kube-apiserver fail or are slow, and the state of the replicas is unknown.
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonNotProxied: a kube-apiserver answers itself instead of proxying requests to the server.
	ReasonNotProxied = "NotProxied"
	// ReasonServerSlow: every replica takes too long.
	ReasonServerSlow = "ServerSlow"
	// ReasonReplicaSlow: a replica takes too long while another does not.
	ReasonReplicaSlow = "ReplicaSlow"
	// ReasonNetworkSlow: requests through kube-apiserver take too long although no replica does.
	ReasonNetworkSlow = "NetworkSlow"
	// ReasonNetworkBlocked: kube-apiserver cannot reach the replicas, but the operator can.
	ReasonNetworkBlocked = "NetworkBlocked"
	// ReasonHTTPSProxy: kube-apiserver sends requests for the server to an HTTP proxy, which does not pass them on.
	ReasonHTTPSProxy = "HTTPSProxy"
	// ReasonConnectionFailed: kube-apiserver cannot send requests to the server, for a reason that only it states.
	ReasonConnectionFailed = "ConnectionFailed"
	// ReasonReplicaUnreachable: the operator cannot reach a replica that should be ready.
	ReasonReplicaUnreachable = "ReplicaUnreachable"
	// ReasonCertificateUntrusted: the serving certificate does not chain to a CA in the bundle.
	ReasonCertificateUntrusted = "CertificateUntrusted"
	// ReasonCertificateForOtherName: the serving certificate is not for the name of the Service.
	ReasonCertificateForOtherName = "CertificateForOtherName"
	// ReasonCertificateExpired: the serving certificate, or a CA in its chain, has expired or is not valid yet.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonProbeForbidden: a replica does not allow an authenticated user to read discovery.
	ReasonProbeForbidden = "ProbeForbidden"
	// ReasonFrontProxyRejected: the server does not accept kube-apiserver's front-proxy certificate, or gets none.
	ReasonFrontProxyRejected = "FrontProxyRejected"
	// ReasonForbiddenToKubeAPIServer: the server's own authorization refuses requests that kube-apiserver sends.
	ReasonForbiddenToKubeAPIServer = "ForbiddenToKubeAPIServer"
	// ReasonGroupVersionNotServed: a replica does not serve a group-version of the spec.
	ReasonGroupVersionNotServed = "GroupVersionNotServed"
	// ReasonStale: kube-apiserver marks a group-version Stale although the server serves it.
	ReasonStale = "Stale"
	// ReasonEmpty: kube-apiserver lists no resource in a group-version although the server has some.
	ReasonEmpty = "Empty"
	// ReasonAggregatedDiscoveryFailed: a replica does not answer GET /apis in time, which makes its group-versions Stale.
	ReasonAggregatedDiscoveryFailed = "AggregatedDiscoveryFailed"
	// ReasonMissingInDiscovery: a replica omits a group-version from GET /apis that it serves.
	ReasonMissingInDiscovery = "MissingInDiscovery"
	// ReasonRedirected: a replica redirects discovery.
	ReasonRedirected = "Redirected"
	// ReasonServerError: a replica answers discovery with an error.
	ReasonServerError = "ServerError"
	// ReasonInvalidResponse: the response of a replica is not a discovery document of the group-version.
	ReasonInvalidResponse = "InvalidResponse"
	// ReasonResponseTooLarge: the response of a replica exceeds the size limit.
	ReasonResponseTooLarge = "ResponseTooLarge"
	// ReasonConnectionBroken: a replica closes the connection during a request.
	ReasonConnectionBroken = "ConnectionBroken"
)

// Reasons of ControllersAvailable, besides those of ServerAvailable about a Deployment and its Pods.
const (
	// ReasonNoControllers: spec.controllers is empty.
	ReasonNoControllers = "NoControllers"
	// ReasonDeploymentNotFound: the Deployment of a deploymentRef does not exist.
	ReasonDeploymentNotFound = "DeploymentNotFound"
	// ReasonDeploymentNotReadable: the operator cannot read the Deployment of a deploymentRef.
	ReasonDeploymentNotReadable = "DeploymentNotReadable"
	// ReasonWaitingForAPI: a controller is not started yet, since a group-version is not available.
	ReasonWaitingForAPI = "WaitingForAPI"
)

// Reasons of StorageAvailable, besides ExpiresSoon, SecretNotFound and those of ServerAvailable about Pods.
const (
	// ReasonNoStorage: spec.server.storage is not set.
	ReasonNoStorage = "NoStorage"
	// ReasonStorageReached: every replica reaches its storage, and so does the operator, as far as it can.
	ReasonStorageReached = "StorageReached"
	// ReasonStorageStarting: the storage, or what reaches it, is being started. It is also a reason of ServerAvailable.
	ReasonStorageStarting = "StorageStarting"
	// ReasonStorageUnreachable: replicas do not reach their storage: their check etcd of /readyz fails.
	ReasonStorageUnreachable = "StorageUnreachable"
	// ReasonEndpointUnreachable: the replicas reach their storage, but the operator does not reach an endpoint.
	ReasonEndpointUnreachable = "EndpointUnreachable"
	// ReasonStorageCertificate: the storage and its clients do not trust the certificates of each other.
	ReasonStorageCertificate = "StorageCertificate"
	// ReasonStorageRefuses: the storage answers the operator, but the replicas do not get what they need from it: it
	// refuses their certificate, user or password, or fails.
	ReasonStorageRefuses = "StorageRefuses"
	// ReasonStorageFull: etcd has used its quota and refuses writes (its alarm NOSPACE), or its disk is full.
	ReasonStorageFull = "StorageFull"
	// ReasonInvalidSecret: the content of the Secret of spec.server.storage is invalid, and is not used.
	ReasonInvalidSecret = "InvalidSecret"
)

// Reasons of NamespacesDeletable.
const (
	// ReasonNoneBlocked: no namespace that is being deleted waits for the API.
	ReasonNoneBlocked = "NoneBlocked"
	// ReasonNamespacesBlocked: namespaces that are being deleted wait for the API.
	ReasonNamespacesBlocked = "NamespacesBlocked"
)

// Reasons of ServesObjects; ReasonNoResources is another.
const (
	// ReasonObjectsServed: nothing was found in the last check.
	ReasonObjectsServed = "ObjectsServed"
	// ReasonNotPermitted: the operator is not permitted to list and watch the resources.
	ReasonNotPermitted = "NotPermitted"
	// ReasonListFails: a resource advertises list, but does not answer with a list.
	ReasonListFails = "ListFails"
	// ReasonWatchFails: a resource advertises watch, but cannot be watched.
	ReasonWatchFails = "WatchFails"
	// ReasonWatchWithoutBookmark: a watch is accepted with sendInitialEvents, but never sends the bookmark after them.
	ReasonWatchWithoutBookmark = "WatchWithoutBookmark"
	// ReasonDiscoveryDiffers: GET /apis and GET /apis/GROUP/VERSION list other resources or verbs.
	ReasonDiscoveryDiffers = "DiscoveryDiffers"
	// ReasonOpenAPIBroken: a document of OpenAPI v2 or v3 is not valid.
	ReasonOpenAPIBroken = "OpenAPIBroken"
	// ReasonOpenAPIV2Missing: there is no document of OpenAPI v2.
	ReasonOpenAPIV2Missing = "OpenAPIV2Missing"
)

// Reasons of Events about actions; ReasonReplicaEjected is another.
const (
	// ReasonCertificateIssued: a serving certificate was issued.
	ReasonCertificateIssued = "CertificateIssued"
	// ReasonAdopted: an APIService of another owner was adopted.
	ReasonAdopted = "Adopted"
	// ReasonOrphaned: the ExtensionAPI was deleted, and its server and APIServices were orphaned.
	ReasonOrphaned = "Orphaned"
	// ReasonObjectsLeftBehind: the ExtensionAPI was deleted, but not its objects in a namespace where the operator is not
	// permitted to run servers.
	ReasonObjectsLeftBehind = "ObjectsLeftBehind"
	// ReasonObjectsUnreachable: the objects of a group-version are about to become unreachable.
	ReasonObjectsUnreachable = "ObjectsUnreachable"
	// ReasonKubeAPIServerNotAwaited: a server is stopped although it is not known whether a kube-apiserver still sends
	// requests to it.
	ReasonKubeAPIServerNotAwaited = "KubeAPIServerNotAwaited"
	// ReasonResumed: spec.suspend was reset to false.
	ReasonResumed = "Resumed"
	// ReasonStandInFailed: kube-apiserver did not reach the stand-in, so the APIService leads to the server again.
	ReasonStandInFailed = "StandInFailed"
	// ReasonReplicaRestored: an ejected replica was restored to the Service.
	ReasonReplicaRestored = "ReplicaRestored"
)

// Reasons of Reconciling.
const (
	// ReasonRetrying: a request to kube-apiserver failed, and is retried. It is also a reason of Registered.
	ReasonRetrying = "Retrying"
	// ReasonNotObserved: the condition could not be evaluated for three minutes.
	ReasonNotObserved = "NotObserved"
	// ReasonSuspended: nothing is being done, since spec.suspend is true. It is also a reason of CertificatesReady,
	// ServerAvailable, ControllersAvailable and Registered, if changes are needed for them.
	ReasonSuspended = "Suspended"
	// ReasonStalled: nothing is being done, since a user has to act first.
	ReasonStalled = "Stalled"
	// ReasonProgressing: the operator or the cluster works towards the spec.
	ReasonProgressing = "Progressing"
)
