#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/site/screenshots.sh [PAGE...]  takes pictures of pages of the site with headless Chromium: bin/screenshots
#
# make docs-screenshots builds the site first.
set -euo pipefail
cd "$(dirname "$0")/../.."

pages=("$@")
((${#pages[@]})) || pages=("" getting-started/quickstart/ concepts/how-it-works/ reference/conditions/ troubleshooting/start/
	troubleshooting/ownership/)
port=1319
output=bin/screenshots
chromium=$(command -v chromium || command -v chromium-browser) || {
	echo "There is no chromium: apt-get install chromium" >&2
	exit 1
}

mkdir -p "$output"
bin/tools/hugo server --source bin/site-source --port $port --baseURL http://localhost:$port/ --renderToMemory --quiet \
	--disableLiveReload &
server=$!
profile=$(mktemp --directory)
trap 'kill $server; rm -rf "$profile"' EXIT
until bash -c "</dev/tcp/localhost/$port" 2>/dev/null; do
	kill -0 $server # fails if it has ended
	sleep 0.2
done

for page in "${pages[@]}"; do
	file=$output/$(tr / - <<<"${page:-start/}" | sed 's/-$//').png
	# A root user needs --no-sandbox. The virtual time lets scripts finish, such as Mermaid's.
	"$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" --window-size=1440,1000 \
		--virtual-time-budget=8000 --screenshot="$file" "http://localhost:$port/$page" 2>/dev/null
	echo "$file"
done
