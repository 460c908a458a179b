#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/e2e.sh runs the end-to-end tests for continuous integration: on a cluster with one kube-apiserver; beside them, as
# they mostly wait, on a cluster with three those that need several; then, alone, a soak of up to ten minutes on three.
# make e2e builds what they need first.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

output=bin/e2e-several-kube-apiservers.log

run() { go test -tags e2e ./test/e2e/... -v -short -count 1 "$@"; }

on_several() { CLUSTER_NAME=extensionapi-ha KUBE_APISERVERS=3 run "$@"; }

echo "Building the programs of the clusters: minutes the first time on this machine, seconds after that"
go run -C hack/cluster . build >/dev/null

echo "=== Meanwhile, the tests on three kube-apiservers run; their output follows the other"
set -m # gives what runs beside a process group, which ends with this script
on_several -parallel 8 -timeout 60m -run SeveralKubeAPIServers >"$output" 2>&1 &
several=$!
set +m
trap 'kill -- "-$several" 2>/dev/null || true' EXIT

failed=()
CLUSTER_NAME=extensionapi-e2e run -parallel 8 -timeout 80m || failed+=("on one kube-apiserver")
wait "$several" || failed+=("on several kube-apiservers")
trap - EXIT
cat "$output"
# No round begins that might not end within the ten minutes.
SOAK_DURATION=10m SOAK_SEED=1 on_several -parallel 24 -timeout 40m -run Soak || failed+=(soak)

if ((${#failed[@]})); then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
