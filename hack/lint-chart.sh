#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks what the chart installs, by default and with everything enabled, with kube-linter and kube-score. All
# exceptions are listed here.
set -euo pipefail
cd "$(dirname "$0")/.."

linter=(
	# The Pods are spread over nodes by topologySpreadConstraints, which count only those of one revision during a rollout.
	--exclude no-anti-affinity
)
score=(
	# As above.
	--ignore-test deployment-has-host-podantiaffinity
	# CPU throttling would skew latency measurements.
	--ignore-container-cpu-limit
	# The container writes nothing but its log, which the kubelet rotates.
	--ignore-test container-ephemeral-storage-request-and-limit
	# A released tag is never moved, and a digest cannot be: pulling again only adds a way to fail.
	--ignore-test container-image-pull-policy
	# Off by default, as not every cluster's network enforces policies. The operator must reach every kube-apiserver and
	# every replica, at any port, so there is none for egress; nothing listens in the Pods of the hooks.
	--ignore-test pod-networkpolicy
)

# What only a user can decide: to use the node's network, or a ServiceAccount that the chart does not create.
checked=hostNetwork=false,serviceAccount.create=true

for values in charts/extensionapi-operator/values.yaml test/chart/testdata/everything.yaml; do
	echo "kube-linter and kube-score: $values"
	rendered=$(bin/tools/helm template extensionapi-operator charts/extensionapi-operator \
		--namespace extensionapi-system --values "$values" --set "$checked")
	bin/tools/kube-linter lint "${linter[@]}" - <<<"$rendered"
	bin/tools/kube-score score "${score[@]}" --output-format ci --exit-one-on-warning - <<<"$rendered" |
		grep --invert-match --regexp '^\[OK\]' --regexp '^\[SKIPPED\]' || [[ ${PIPESTATUS[0]} == 0 ]]
done
