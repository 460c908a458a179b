#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/record-session.sh [FILE]  runs the commands of the kubectl plugin against the demo's cluster, and writes what they
#                                print to docs/session.txt, or FILE
#
# `make demo` first. The session breaks the sample, and repairs it. What differs in each run, such as times, addresses and
# names of Pods, is replaced.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

output=${1:-docs/session.txt}
plugin=$PWD/bin/kubectl-extensionapi
name=${CLUSTER_NAME:-extensionapi}

[[ -x $plugin ]] || { echo "There is no $plugin: run make demo" >&2; exit 1; }
kubectl=$(go run -C hack/cluster . build kubectl)/kubectl
KUBECONFIG=${KUBECONFIG:-$(go run -C hack/cluster . kubeconfig --name "$name")}
export KUBECONFIG
export NO_COLOR=1

recorded=$(mktemp)
trap 'rm -f "$recorded"' EXIT
trap restore ERR

# say writes a comment, and record a command line with what it prints and its exit code.
say() { printf '# %s\n' "$*" >>"$recorded"; }

record() {
	local code=0
	echo "=== $*"
	printf '$ %s\n' "$*" >>"$recorded"
	if [[ $1 == kubectl && $2 == extensionapi ]]; then
		"$plugin" "${@:3}" >>"$recorded" 2>&1 || code=$?
	else
		"$kubectl" "${@:2}" >>"$recorded" 2>&1 || code=$?
	fi
	((code == 0)) || printf '(exit code %d)\n' "$code" >>"$recorded"
	echo >>"$recorded"
}

ready() { "$kubectl" wait --for=condition=Ready xapi/wardle --timeout 3m >/dev/null; }

# restore lets the operator create the Service again.
restore() {
	"$kubectl" patch xapi wardle --type merge --patch '{"spec":{"suspend":false}}' >/dev/null
	ready
}

healthy() {
	say "Everything is healthy."
	"$plugin" doctor --wait 2m >/dev/null || (($? == 1))
	record kubectl extensionapi version
	record kubectl extensionapi doctor
	record kubectl extensionapi status wardle
	record kubectl extensionapi top --count 3 --interval 1s
	record kubectl extensionapi check wardle --admission --rollout
}

broken() {
	say "The operator is suspended, and the Service of the sample is deleted."
	"$kubectl" patch xapi wardle --type merge --patch '{"spec":{"suspend":true}}' >/dev/null
	"$kubectl" delete service wardle --namespace wardle-system >/dev/null
	"$kubectl" wait --for=condition=Available=False apiservice/v1beta1.wardle.example.com --timeout 2m >/dev/null
	record kubectl extensionapi doctor v1beta1.wardle.example.com
	record kubectl extensionapi explain ServiceNotFound
	say "The operator continues, and creates the Service again."
	restore
	record kubectl extensionapi doctor --wait 2m v1beta1.wardle.example.com
}

rotated() {
	say "The serving certificate is replaced."
	record kubectl extensionapi rotate wardle
	"$kubectl" wait --for=condition=CertificatesReady xapi/wardle --timeout 3m >/dev/null
	ready
	record kubectl extensionapi events wardle
}

# normalized replaces what differs in each run, as test/documented does. The columns of a table stay where they are.
normalized() {
	sed -E \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/2026-01-01T12:00:00Z/g' \
		-e 's/\b([a-z][a-z0-9-]*)-[a-z0-9]{8,10}-[a-z0-9]{5}\b/\1-6d5f8c7b9-abcde/g' \
		-e 's/\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b/10.0.0.1/g' \
		-e 's/^(kubectl-extensionapi) [^ ]+.*/\1 VERSION/'
}

healthy
broken
rotated
{
	echo "# Recorded by hack/record-session.sh on the demo's cluster."
	echo
	normalized <"$recorded"
} >"$output"
echo "Wrote $output"
