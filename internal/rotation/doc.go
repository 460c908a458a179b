// SPDX-License-Identifier: Apache-2.0

// Package rotation plans how a serving certificate and the CAs that clients trust are replaced without losing a
// request. It imports no client: Next computes from the stored state, the wanted state, the observed state of the
// cluster and the time what should be stored now, and what to wait for. The steps of a change are
//
//  1. PublishingTrust: the wanted CAs are added to the bundle; every APIService must have them;
//  2. AwaitingTrust: every kube-apiserver has TrustDwell to load them;
//  3. the serving certificate is replaced; AwaitingServed: every Pod, including terminating ones, must be observed to
//     serve it; a Pod that cannot be reached is assumed to serve it after UnreachableDwell;
//  4. DroppingTrust: the other CAs are removed from the bundle; every APIService must have dropped them.
//
// A step that has nothing to wait for is skipped: a renewal by a CA that has long been trusted, or whose certificates
// all Pods serve already, begins at 3, and there is no wait while no request can be lost (no APIService yet, or no Pod
// that serves a trusted certificate). All decisions are made from the observed state, so that a crash at any time, a
// second trigger or a lost record lead back to the same sequence; the record contains only when a phase began.
//
// NextTrust plans the same for a server whose serving certificate another owner replaces: without step 3, but with its
// wait.
package rotation
