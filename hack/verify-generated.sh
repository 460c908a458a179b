#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks that the given generated files and directories match the output of `make generate`, and that they are in git.
# Generates into a temporary directory, so that uncommitted work is not changed.
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
	echo "not in git: ${untracked//$'\n'/ }; run 'git add' on generated files, delete the rest" >&2
fi
[[ ${#stale[@]} == 0 && ! $untracked ]]
