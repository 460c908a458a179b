#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks that the given generated files and directories are what `make generate` writes now, and that git has them.
# Generates into a directory of its own, so that uncommitted work stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
make --silent generate OUT="$fresh"

stale=()
for path in "$@"; do
	diff --recursive --unified --new-file "$path" "$fresh/$path" || stale+=("$path")
done
untracked=$(git ls-files --others -- "$@")

if ((${#stale[@]})); then
	echo "out of date: ${stale[*]}; run 'make generate' and commit what it writes" >&2
fi
if [[ $untracked ]]; then
	echo "not in git: ${untracked//$'\n'/ }; run 'git add' on what is generated, delete the rest" >&2
fi
[[ ${#stale[@]} == 0 && ! $untracked ]]
