#!/usr/bin/env bash
# Brings this machine what the browser test needs and lacks: Debian's chromium (apt needs root) and the test's own packages.
# Does nothing the second time.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v chromium >/dev/null; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core
fi
chromium --version

# npm writes the hidden lock file last, so an interrupted installation is done again.
if [[ ! -e node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
  npm ci --no-audit --no-fund
fi
