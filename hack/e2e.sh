#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/e2e.sh runs the end-to-end tests for continuous integration: all on a cluster with one kube-apiserver; beside them,
# as each leaves much of two cores idle, on a cluster with three those that need several or are as good with them; then,
# alone, ten minutes of soak on three. make e2e builds what they need first.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

on_three='SeveralKubeAPIServers|RolloutsLoseNoRequest|RotationsLoseNoRequest'
output=bin/e2e-several-kube-apiservers.log

run() { go test -tags e2e ./test/e2e/... -v -short -count 1 "$@"; }

on_several() { CLUSTER_NAME=extensionapi-ha KUBE_APISERVERS=3 run "$@"; }

echo "Building the programs of the clusters: minutes the first time on this machine, seconds after that"
go run -C hack/cluster . build >/dev/null

echo "=== Meanwhile, $on_three run on three kube-apiservers; their output follows the other"
set -m # gives what runs beside a process group, which ends with this script
on_several -parallel 8 -timeout 60m -run "$on_three" >"$output" 2>&1 &
several=$!
set +m
trap 'kill -- "-$several" 2>/dev/null || true' EXIT

failed=()
CLUSTER_NAME=extensionapi-e2e run -parallel 8 -timeout 80m || failed+=("on one kube-apiserver")
wait "$several" || failed+=("on several kube-apiservers")
trap - EXIT
cat "$output"
# Four rounds, which take about ten minutes: no round begins that might not end in time.
SOAK_DURATION=12m SOAK_SEED=1 on_several -parallel 24 -timeout 40m -run Soak || failed+=(soak)

if ((${#failed[@]})); then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
