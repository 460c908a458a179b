#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hack/storage/postgresql.sh DIRECTORY extracts PostgreSQL from the packages of this machine's Debian, with the libraries
# that it needs and a shell. It installs nothing. If the directory exists already, it does nothing.
set -Eeuo pipefail

root=$1
[[ -x $root/bin/sh ]] && exit
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/root"

# depends prints a package and all that it depends on, but what nothing here runs.
depends() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
		grep '^[a-z]' | grep --invert-match --extended-regexp \
		'^(adduser|cdebconf|debconf.*|dpkg|init-system-helpers|libllvm.*|libperl.*|libz3-.*|locales.*|openssl|passwd|perl.*)$' |
		grep --invert-match --extended-regexp \
		'^(coreutils|gcc-.*-base|login.*|lsb-base|mawk|postgresql.*-common|postgresql-common|sensible-utils|ssl-cert|sysvinit.*|tar|ucf|util-linux.*)$' |
		sort --unique
}

server=$(apt-cache depends postgresql | awk '/Depends: postgresql-[0-9]+$/ {print $2; exit}')
echo "Extracting $server and its libraries from Debian's packages"
mapfile -t packages < <(depends "$server" busybox-static)
(cd "$work/packages" && apt-get download -qq "${packages[@]}" 2>/dev/null)
for package in "$work"/packages/*.deb; do dpkg --extract "$package" "$work/root"; done
rm -rf "$work"/root/usr/share/{doc,man,locale,lintian} "$work"/root/usr/lib/postgresql/*/lib/bitcode

cd "$work/root"
mkdir -p bin etc tmp
[[ -x bin/busybox ]] || cp usr/bin/busybox bin/busybox # Debian 13 has it there
for applet in chmod echo rm head cat ls; do ln -sf sh "bin/$applet"; done
mv bin/busybox bin/sh
echo 'postgres:x:65532:65532::/data:/bin/sh' >etc/passwd
echo 'postgres:x:65532:' >etc/group
chmod 1777 tmp
cd - >/dev/null
mkdir -p "$(dirname "$root")"
rm -rf "$root"
cp -a "$work/root" "$root"
