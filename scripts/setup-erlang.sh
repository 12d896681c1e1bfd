#!/usr/bin/env bash
# The peer of the supervision benchmark: Debian's erlang-base. Only `make bench` needs it.
set -euo pipefail

command -v escript >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "Erlang is missing; install it (apt-get install erlang-base) or run as root" >&2
    exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends erlang-base
