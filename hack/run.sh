#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the operator from source against the cluster of the kubeconfig, with the permissions and the identity that it has
# in the cluster, in place of its Deployment. The arguments are further flags of the operator.
set -euo pipefail
cd "$(dirname "$0")/.."

namespace=extensionapi-system
kubeconfig=$PWD/bin/run.kubeconfig

bin/tools/kustomize build config/default | kubectl apply --server-side --force-conflicts -f - >/dev/null
kubectl --namespace "$namespace" scale deployment extensionapi-operator --replicas 0

# The admission policies refuse what another user does.
token=$(kubectl --namespace "$namespace" create token extensionapi-operator --duration 8h)
(umask 077 && kubectl config view --minify --flatten >"$kubeconfig")
kubectl --kubeconfig "$kubeconfig" config set-credentials extensionapi-operator --token "$token" >/dev/null
kubectl --kubeconfig "$kubeconfig" config set-context --current --user extensionapi-operator >/dev/null

# Nothing leads from kube-apiserver to a stand-in on this machine.
exec go run . --kubeconfig "$kubeconfig" --operator-namespace "$namespace" --leader-elect --stand-in-bind-address 0 \
	--metrics-bind-address 127.0.0.1:8443 --health-probe-bind-address 127.0.0.1:8081 --zap-encoder console "$@"
