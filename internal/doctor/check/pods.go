// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// termination reports servers that close their listener as soon as a Pod is deleted, while kube-apiserver still sends
// requests to it.
func termination(v *view.View) []Result {
	return ofPods(v, func(apiService view.APIService, pods []corev1.Pod) finding.Finding {
		if slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return slices.ContainsFunc(pod.Spec.Containers, lingers) }) {
			return ok("")
		}
		return warning("", "no container has a preStop hook or --shutdown-delay-duration").
			Affecting("Requests that arrive while a Pod terminates fail, in every rollout and drain").
			Advising("Add lifecycle.preStop.sleep to the container that serves, such as 15 s: " +
				kubectl("-n %s get pod %s -o yaml", apiService.Backend.Namespace, pods[0].Name))
	})
}

func lingers(container corev1.Container) bool {
	return container.Lifecycle != nil && container.Lifecycle.PreStop != nil ||
		slices.ContainsFunc(slices.Concat(container.Command, container.Args), func(argument string) bool {
			return strings.HasPrefix(argument, "--shutdown-delay-duration")
		})
}

// delegation reports ServiceAccounts without what servers built on k8s.io/apiserver need.
func delegation(v *view.View) []Result {
	return ofPods(v, func(apiService view.APIService, pods []corev1.Pod) finding.Finding {
		denied, known := apiService.Backend.Denied.Get()
		namespace, account := apiService.Backend.Namespace, cmp.Or(pods[0].Spec.ServiceAccountName, "default")
		switch {
		case !known:
			return notChecked(apiService.Backend.Denied.Err())
		case len(denied) == 0:
			return ok("")
		}
		return warning("", fmt.Sprintf("its ServiceAccount %s/%s may not "+
			"%s", namespace, account, strings.Join(denied, ", "))).
			Affecting("A server that delegates authentication and authorization refuses requests (401, 403)").
			Advising("Bind it: " + kubectl("create clusterrolebinding %s-auth-delegator --clusterrole system:auth-delegator "+
				"--serviceaccount %s:%s; kubectl -n kube-system create rolebinding %s-auth-reader --role "+
				"extension-apiserver-authentication-reader --serviceaccount %s:%s",
				account, namespace, account, account, namespace, account))
	})
}

// ofPods evaluates a check for every APIService with Pods in the cluster.
func ofPods(v *view.View, evaluate func(view.APIService, []corev1.Pod) finding.Finding) []Result {
	return ofServers(v, func(apiService view.APIService) finding.Finding {
		pods, known := apiService.Backend.Pods.Get()
		switch {
		case !known && apiService.Backend.Pods.Err() != nil:
			return notChecked(apiService.Backend.Pods.Err())
		case len(pods) == 0:
			return finding.Finding{} // a Service without a selector, or without Pods, which another check reports
		default:
			return evaluate(apiService, pods)
		}
	})
}
