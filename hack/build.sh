#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hack/build.sh OUTPUT [PACKAGE GOOS], in the repository's root, builds the operator for Linux, for make, the Dockerfile
# and releases; or another program.
#
# VERSION and COMMIT are what the program prints as its version; GOARCH is the architecture, by default the machine's.
# The same ones and the same sources give the same bytes on every machine, in every directory: the Go version is exactly
# that in go.mod, which another Go downloads from the module proxy, and everything that affects the binary is set here,
# overriding the environment and `go env`.
set -eu

GOTOOLCHAIN=$(sed -n 's/^toolchain //p' go.mod)
export GOTOOLCHAIN CGO_ENABLED=0 GOOS="${3:-linux}" GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off GOWORK=off
export GOFLAGS=-mod=readonly
unset GOEXPERIMENT
experiments=$(go env GOEXPERIMENT)
if [ -n "$experiments" ]; then
	echo "Go's experiments change the program: remove them with go env -u GOEXPERIMENT (currently: $experiments)" >&2
	exit 1
fi

package=github.com/extensionapi/extensionapi-operator/internal/version
go build -trimpath -buildvcs=false \
	-ldflags "-s -w -X $package.version=${VERSION:-dev} -X $package.commit=${COMMIT:-unknown}" -o "$1" "${2:-.}"
