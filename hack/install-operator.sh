#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/install-operator.sh IMAGE_TARBALL  installs the operator of an image tarball, which the nodes have, in the cluster
#                                         of KUBECONFIG, or upgrades it, and waits for its Pods
#
# KUBECTL is the path of kubectl.
set -euo pipefail
cd "$(dirname "$0")/.."

tarball=$1
namespace=extensionapi-system

# image_index prints a field of the index of the operator's image.
image_index() { tar -xOf "$tarball" index.json | sed "s|.*\"$1\":\"\([^\"]*\)\".*|\1|"; }

image=$(image_index io.containerd.image.name)
# A killed Helm leaves its release pending, and a rejected uninstallation leaves it uninstalling; the next Helm would
# refuse to change either.
"$KUBECTL" delete secret --namespace "$namespace" --ignore-not-found \
	--selector 'owner=helm,status in (pending-install,pending-upgrade,uninstalling)' >/dev/null
# Labelled, so that Pod Security restricted is enforced there.
"$KUBECTL" apply --server-side -f config/default/namespace.yaml
# The annotation triggers a rollout if a new image has the same tag.
bin/tools/helm upgrade --install extensionapi-operator charts/extensionapi-operator \
	--namespace "$namespace" --wait --timeout 3m --hide-notes --take-ownership --force-conflicts \
	--set-string "image.repository=${image%:*},image.tag=${image##*:}" \
	--set-string storage.etcdImage=extensionapi.dev/etcd:demo,storage.kineImage=extensionapi.dev/kine:demo \
	--set-string "podAnnotations.image-digest=$(image_index digest)"
