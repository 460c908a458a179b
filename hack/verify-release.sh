#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Releases the last commit twice, from clones in different directories, at different times and with different settings,
# and compares the checksums. The clones share the tools in bin/tools and Go's build cache: nothing is compiled twice,
# but everything is linked, packaged and compressed twice.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

release() { # release DIRECTORY
	git clone --quiet --no-hardlinks . "$1"
	mkdir "$1/bin"
	ln -s "$PWD/bin/tools" "$1/bin/tools"
	# The tools are up to date, though their sources are newer in a clone.
	make --silent --directory "$1" --assume-old=bin/tools/helm --assume-old=bin/tools/cyclonedx-gomod \
		release VERSION=v0.0.0-verify
}

(
	umask 022
	export TZ=UTC LC_ALL=C
	release "$scratch/one"
)
(
	umask 077
	export TZ=Asia/Kolkata LC_ALL=C.UTF-8 GOFLAGS=-buildvcs=true
	release "$scratch/deep/down/two"
)
diff "$scratch"/{one,deep/down/two}/dist/SHA256SUMS || {
	echo "The same commit gave two different releases: the checksums above differ." >&2
	exit 1
}
echo "Two releases of commit $(git rev-parse HEAD) are the same:"
cat "$scratch/one/dist/SHA256SUMS"
