// SPDX-License-Identifier: Apache-2.0

// Package rotation decides how a serving certificate and the authorities that clients trust are replaced without a
// request being lost. It imports no client: Next maps what is stored, what is wanted, what was seen in the cluster and
// the time to what should be stored now, and what is waited for. The steps of a change are
//
//  1. PublishingTrust: the wanted authorities join the bundle; every APIService must carry them;
//  2. AwaitingTrust: every kube-apiserver is given TrustDwell to load them;
//  3. the serving certificate is replaced; AwaitingServed: every Pod, also a terminating one, must be seen to serve it;
//     a Pod that cannot be reached is taken to serve it after UnseenDwell;
//  4. DroppingTrust: the other authorities leave the bundle; every APIService must have dropped them.
//
// A step that has nothing to wait for is passed over: a renewal by an authority that is long trusted begins at 3, and
// nothing is waited for while no request could get lost (no APIService yet, or no Pod that serves anything trusted).
// Everything is decided from facts, so that a crash at any moment, a second trigger or a lost record lead back to the
// same path; the record only says since when.
package rotation
