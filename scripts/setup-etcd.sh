#!/usr/bin/env bash
# The peer of the benchmark: Debian's etcd-server. Only `make bench` needs it.
set -euo pipefail

command -v etcd >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "etcd is missing; install it (apt-get install etcd-server) or run as root" >&2
    exit 1
fi
apt-get update -qq
# Without this, Debian starts a server of its own on the default ports, beside the one that is measured.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends etcd-server
