#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/docs-commands.sh up    runs every command of Getting started and Tasks, and compares what they print
# hack/docs-commands.sh list  prints what would be run, and what not, and why
# hack/docs-commands.sh down  removes the clusters
#
# make docs-commands builds the images first. PAGES="docs/tasks/monitoring.md …" runs only these pages of Tasks. Quickstart
# and ten-minutes create clusters of their own; the pages of Tasks share one with the demo's sample.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

export CLUSTER=node CLUSTER_NAME=${CLUSTER_NAME:-extensionapi-docs}
quickstart=docs/getting-started/quickstart.md
# Those that change the sample come last.
tasks=${PAGES:-$(ls docs/tasks/*.md | grep --invert-match backup-and-restore) docs/tasks/backup-and-restore.md}
output=$PWD/bin/docs-commands

hack_cluster() { go run -C hack/cluster . "$@"; }
step() { printf '\n=== %s\n' "$*"; }

# as_reader runs a program without what make exports, which is not the reader's: IMG would name the operator's image.
as_reader() { env -u IMG -u CLUSTER -u CLUSTER_NAME -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@"; }

# commands runs pages with a program that is built before their commands change PATH.
commands() { as_reader "$output/docscommands" "$@" 2>&1 | tee --append "$output/log"; }

build() {
	mkdir -p "$output"
	go build -o "$output/docscommands" ./hack/docscommands
}

up() {
	build
	: >"$output/log"
	if [[ -z ${PAGES-} ]]; then
		step "Following $quickstart"
		commands run "$quickstart"
		step "Following docs/getting-started/ten-minutes.md"
		CLUSTER_NAME=$CLUSTER_NAME-ten-minutes hack/ten-minutes.sh up
		CLUSTER_NAME=$CLUSTER_NAME-ten-minutes hack/ten-minutes.sh down
		# The quickstart has built the operator's image with another name.
		make image
	fi
	hack/demo.sh up
	KUBECONFIG=$(hack_cluster kubeconfig --name "$CLUSTER_NAME")
	export KUBECONFIG PATH=$(dirname "$(hack_cluster build kubectl)/kubectl"):$PWD/bin:$PWD/bin/tools:$PATH
	# shellcheck disable=SC2086 # a list
	commands run $tasks
	step "All commands ran, and printed what the pages show"
}

down() {
	hack/demo.sh down
	for name in getting-started "$CLUSTER_NAME-ten-minutes"; do hack_cluster down --name "$name"; done
}

case "${1-}" in
up) up ;;
list)
	build
	# shellcheck disable=SC2086 # a list
	"$output/docscommands" list "$quickstart" docs/getting-started/ten-minutes.md $tasks
	;;
down) down ;;
*)
	echo "usage: hack/docs-commands.sh up|list|down" >&2
	exit 2
	;;
esac
