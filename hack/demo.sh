#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/demo.sh up    runs the operator and its sample on a dedicated cluster; safe to repeat
# hack/demo.sh down  removes the cluster
#
# CLUSTER (node or kind) and CLUSTER_NAME are set by make, which first builds the required tools and images: make demo,
# make demo-down. KUBE_APISERVERS is how many kube-apiservers a new node gets; default: 1.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

namespace=extensionapi-system
operator_image=$PWD/bin/images/operator.tar
plugin=$PWD/bin/kubectl-extensionapi
sample_images=("$PWD"/bin/images/{sample-apiserver,etcd}.tar)

node_up() { KUBECONFIG=$(hack_cluster up --name "$CLUSTER_NAME" --kube-apiservers "${KUBE_APISERVERS:-1}"); }
node_load() { hack_cluster load --name "$CLUSTER_NAME" "$@"; }
# node_volumes makes a volume for the sample's etcd: nothing on the node provisions any. A volume whose claim was deleted
# is not bound again.
node_volumes() {
	local directory phase
	directory=$(dirname "$KUBECONFIG")/var/lib/extensionapi-demo/etcd
	phase=$("$kubectl" get persistentvolume wardle-etcd --ignore-not-found --output 'jsonpath={.status.phase}')
	if [[ $phase == Released ]]; then
		"$kubectl" delete persistentvolume wardle-etcd
		rm -rf "$directory"
	fi
	mkdir -p "$directory"
	"$kubectl" apply -f config/samples/volume.yaml
}

node_down() { hack_cluster down --name "$CLUSTER_NAME"; }

hack_cluster() { go run -C hack/cluster . "$@"; }

kind_up() {
	need_docker
	KUBECONFIG=$PWD/bin/kind-$CLUSTER_NAME.kubeconfig
	if bin/tools/kind get clusters | grep --quiet --line-regexp "$CLUSTER_NAME"; then
		bin/tools/kind export kubeconfig --name "$CLUSTER_NAME" --kubeconfig "$KUBECONFIG"
	else
		bin/tools/kind create cluster --name "$CLUSTER_NAME" --kubeconfig "$KUBECONFIG" --wait 3m
	fi
}

kind_volumes() { :; } # kind has a default StorageClass

kind_load() {
	for image in "$@"; do bin/tools/kind load image-archive "$image" --name "$CLUSTER_NAME"; done
}

kind_down() {
	need_docker
	bin/tools/kind delete cluster --name "$CLUSTER_NAME" --kubeconfig "bin/kind-$CLUSTER_NAME.kubeconfig"
}

need_docker() {
	docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return
	echo "CLUSTER=kind needs a Docker engine, but 'docker version' fails: start it, or do not set CLUSTER" >&2
	return 1
}

up() {
	step "Starting the cluster $CLUSTER_NAME ($CLUSTER)"
	kubectl=$(hack_cluster build kubectl)/kubectl
	"${CLUSTER}_up"
	export KUBECONFIG
	trap diagnose ERR

	step "Loading the images"
	"${CLUSTER}_load" "$operator_image" "${sample_images[@]}"

	step "Making a volume for the sample's etcd"
	"${CLUSTER}_volumes"

	step "Installing the operator and waiting for its Pods, up to 3 minutes"
	KUBECTL=$kubectl hack/install-operator.sh "$operator_image"

	step "Applying config/samples/wardle.yaml and waiting for it to be Ready, up to 3 minutes"
	"$kubectl" apply -f config/samples/wardle.yaml
	"$kubectl" wait --for=condition=Ready xapi/wardle --timeout 3m

	step "Creating and reading an object of the new API"
	"$kubectl" apply -f config/samples/flunder.yaml
	"$kubectl" get -f config/samples/flunder.yaml

	step "Status of the sample, once its discovery, storage and objects have been looked at"
	"$kubectl" wait --for=condition=DiscoveryWithinLimit xapi/wardle --timeout 1m >/dev/null
	"$kubectl" wait --for=condition=StorageAvailable xapi/wardle --timeout 1m >/dev/null
	"$kubectl" wait --for=jsonpath='{.status.conditions[?(@.type=="ServesObjects")].reason}'=NotPermitted \
		xapi/wardle --timeout 1m >/dev/null # the sample does not permit it
	"$kubectl" get xapi
	echo
	"$plugin" status wardle

	step "The aggregation layer of the cluster, once nothing is broken, up to 2 minutes"
	doctor
	print_next
}

# doctor fails only where something is broken: exit code 1 means warnings.
doctor() {
	local code=0
	"$plugin" doctor --wait 2m || code=$?
	((code <= 1))
}

print_next() {
	cat <<-NEXT

		The cluster keeps running. To continue in this shell:

		  export KUBECONFIG=$KUBECONFIG PATH=$(dirname "$kubectl"):$PWD/bin:\$PATH

		  kubectl get xapi -o wide                        # the status reported by the operator
		  kubectl extensionapi history wardle             # its latencies as they change
		  kubectl get flunders -A                         # the API served by the sample
		  kubectl get all,secrets,pdb,pvc -n wardle-system    # the server created by the operator, and its etcd
		  kubectl delete deployment wardle -n wardle-system && kubectl get xapi -w    # recreated in seconds
		  kubectl delete xapi wardle                      # ordered teardown; a minute, as it drains. Its volume stays

		  make demo-down CLUSTER=$CLUSTER CLUSTER_NAME=$CLUSTER_NAME
	NEXT
}

# diagnose prints what is needed to find out why the demo failed.
diagnose() {
	trap - ERR
	set +e
	{
		step "The demo failed. State of the cluster:"
		"$kubectl" get xapi -o wide
		"$kubectl" get xapi -o jsonpath='{range .items[*].status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}'
		"$kubectl" get pods --all-namespaces -o wide
		"$kubectl" get events --all-namespaces --sort-by .metadata.creationTimestamp | tail -n 20
		"$kubectl" logs --namespace "$namespace" --selector app.kubernetes.io/name=extensionapi-operator --prefix --tail 30
		echo "To investigate further: export KUBECONFIG=$KUBECONFIG PATH=$(dirname "$kubectl"):\$PATH"
	} >&2
	exit 1
}

step() { printf '\n=== %s\n' "$*"; }

case "${CLUSTER-} ${1-}" in
"node up" | "kind up") up ;;
"node down" | "kind down") "${CLUSTER}_down" ;;
*)
	echo "usage: CLUSTER=node|kind CLUSTER_NAME=NAME hack/demo.sh up|down" >&2
	exit 2
	;;
esac
