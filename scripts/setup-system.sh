#!/usr/bin/env bash
# Programs of the operating system that the tests use. Installs only what is missing, so that a second run does nothing.
#   setpriv    (util-linux)  ends a test's processes when the test itself is killed
#   mkfs.ext4  (e2fsprogs)   a disk whose power is cut
#   chromium                 the browser test; tests/browser/setup.sh
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v setpriv >/dev/null || missing+=(util-linux)
PATH=$PATH:/usr/sbin:/sbin command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing: ${missing[*]}; install them (apt-get install ${missing[*]}) or run as root" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 && continue
    name=$([ "$component" = fmt ] && echo rustfmt || echo clippy)
    rustup component add "$name"
done
