#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/ten-minutes.sh up        follows docs/ten-minutes.md on a dedicated cluster, word for word; safe to repeat
# hack/ten-minutes.sh commands  prints the commands of the page, with the line that each block begins in
# hack/ten-minutes.sh down      removes the cluster
#
# make ten-minutes builds the images first. The commands are written to bin/ten-minutes/steps.sh and removal.sh, and
# what they print to steps.log and removal.log; after a failure the cluster and /tmp/cogs stay as they are.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

page=docs/ten-minutes.md
project=/tmp/cogs
output=$PWD/bin/ten-minutes
namespace=extensionapi-system
operator_image=$PWD/bin/images/operator.tar
export CLUSTER_NAME=${CLUSTER_NAME:-extensionapi-ten-minutes}

hack_cluster() { go run -C hack/cluster . "$@"; }

# commands prints the blocks of the page that are to be run: its steps, or the removal.
commands() {
	awk -v part="$1" '
		/^## / { current = /Remove it$/ ? "removal" : "steps" }
		/^```sh$/ { inside = current == part; if (inside) printf "block %d\n", NR + 1; next }
		/^```/ { inside = 0; next }
		inside' "$page"
}

up() {
	mkdir -p "$output"
	step "Starting the cluster $CLUSTER_NAME"
	kubectl=$(hack_cluster build kubectl)/kubectl
	KUBECONFIG=$(hack_cluster up --name "$CLUSTER_NAME")
	export KUBECONFIG
	trap diagnose ERR
	hack_cluster load --name "$CLUSTER_NAME" "$operator_image" "$PWD/bin/images/etcd.tar"
	remove_project
	make_volume
	step "Installing the operator"
	KUBECTL=$kubectl hack/install-operator.sh "$operator_image"

	step "Following $page"
	follow steps "$PWD"
	verify
	follow removal "$project"
	verify_removed
}

# follow runs the commands of a part of the page in a directory as one script, as a reader does in one shell.
follow() {
	local part=$1 directory=$2
	{
		cat <<-'HEAD'
			# block prints where a block of commands begins, and how long everything before it took.
			block() { printf '\n=== %s:%d, after %d s\n' docs/ten-minutes.md "$1" "$SECONDS"; }
		HEAD
		commands "$part" | sed 's/^block .*/{ set +x; } 2>\/dev\/null; &; set -x/'
	} >"$output/$part.sh"
	SECONDS=0
	# What make exports is not the reader's: IMG would name the operator's image.
	env -u IMG -u CLUSTER -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PATH="$(dirname "$kubectl"):$PATH" \
		bash -euo pipefail -c 'cd "$1"; . "$2"' follow "$directory" "$output/$part.sh" 2>&1 | tee "$output/$part.log"
	echo
	echo "All commands of the $part of $page took $SECONDS s."
}

# verify checks what the page claims and no command of it does.
verify() {
	step "Checking what $page says"
	local lines files
	files=$(hand_written | wc -l)
	lines=$(hand_written | xargs cat | wc -l)
	echo "$lines lines of Go in $files files are written by hand"
	grep --quiet "$lines lines of Go in $files files" "$page" || fail "$page says something else"
	((lines < 300)) || fail "that is not under 300"
	[[ $(sprocket '{.spec.class}') == standard ]] || fail "the object is not the one that was created"
	[[ $(sprocket '{.status.conditions[?(@.type=="Ready")].status}') == True ]] || fail "the controller set no status"
	"$kubectl" get sprockets
	echo "The object is there after server, controllers and etcd were restarted."
}

# verify_removed checks that nothing of the project is left in the cluster, but for the volume that was made for it.
verify_removed() {
	step "Checking that nothing is left"
	local left
	left=$("$kubectl" get xapi,apiservices,namespaces,clusterroles,clusterrolebindings --output name)
	left=$(grep -E 'cogs|gears' <<<"$left" || true)
	[[ -z $left ]] || fail "These are left: $left"
}

# hand_written prints the files of Go that nothing generates.
hand_written() { find "$project" -name '*.go' ! -name 'zz_generated.*'; }

sprocket() { "$kubectl" get sprocket sample --namespace default --output "jsonpath=$1"; }

# remove_project removes what an earlier run has left.
remove_project() {
	"$kubectl" delete sprockets --all --namespace default --ignore-not-found >/dev/null 2>&1 || true
	"$kubectl" delete xapi cogs --ignore-not-found --timeout 3m 2>/dev/null || true
	"$kubectl" delete namespace cogs-system --ignore-not-found --timeout 3m
	"$kubectl" delete persistentvolume cogs-etcd --ignore-not-found
	if [[ -e $project && ! -e $project/PROJECT ]]; then
		fail "$project exists, and is no project of $page"
	fi
	rm -rf "$project" "$(dirname "$KUBECONFIG")/var/lib/ten-minutes"
}

# make_volume makes a default StorageClass with one volume: nothing on the node provisions any.
make_volume() {
	mkdir -p "$(dirname "$KUBECONFIG")/var/lib/ten-minutes/etcd"
	"$kubectl" apply -f - <<-'VOLUME'
		apiVersion: storage.k8s.io/v1
		kind: StorageClass
		metadata:
		  name: manual
		  annotations:
		    storageclass.kubernetes.io/is-default-class: "true"
		provisioner: kubernetes.io/no-provisioner
		volumeBindingMode: WaitForFirstConsumer
		---
		apiVersion: v1
		kind: PersistentVolume
		metadata:
		  name: cogs-etcd
		spec:
		  storageClassName: manual
		  capacity: {storage: 2Gi}
		  accessModes: [ReadWriteOnce]
		  persistentVolumeReclaimPolicy: Retain
		  # The kubelet lets the group of a Pod write to a local volume, but not to a hostPath.
		  local: {path: /var/lib/ten-minutes/etcd}
		  nodeAffinity:
		    required:
		      nodeSelectorTerms:
		      - matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]
	VOLUME
}

# diagnose prints what is needed to find out why a command failed.
diagnose() {
	trap - ERR
	set +e
	{
		step "A command failed. State of the cluster:"
		"$kubectl" get xapi --output \
			jsonpath='{range .items[*].status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}'
		"$kubectl" get pods,persistentvolumeclaims,persistentvolumes --all-namespaces -o wide
		"$kubectl" get events --all-namespaces --sort-by .metadata.creationTimestamp | tail -n 20
		for container in deployment/cogs deployment/cogs-controllers statefulset/cogs-etcd; do
			echo "--- $container"
			"$kubectl" logs --namespace cogs-system "$container" --all-containers --tail 20
		done
		"$kubectl" logs --namespace "$namespace" --selector app.kubernetes.io/name=extensionapi-operator \
			--prefix --tail 30
		echo "The commands are in $output/*.sh, the project in $project. To go on by hand:"
		echo "  export KUBECONFIG=$KUBECONFIG CLUSTER_NAME=$CLUSTER_NAME CLONE=$PWD PATH=$PWD/bin:$(dirname "$kubectl"):\$PATH"
	} >&2
	exit 1
}

fail() {
	echo "$1" >&2
	return 1
}

step() { printf '\n=== %s\n' "$*"; }

case "${1-}" in
up) up ;;
commands) commands steps && commands removal ;;
down) hack_cluster down --name "$CLUSTER_NAME" ;;
*)
	echo "usage: CLUSTER_NAME=NAME hack/ten-minutes.sh up|commands|down" >&2
	exit 2
	;;
esac
