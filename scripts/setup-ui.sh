#!/usr/bin/env bash
# The UI's packages, exactly as package-lock.json names them. Does nothing where they are there already.
set -euo pipefail
cd "$(dirname "$0")/../ui"

wanted=package-lock.json
installed=node_modules/installed-lock.json
cmp -s "$wanted" "$installed" && exit 0

npm ci --no-audit --no-fund
cp "$wanted" "$installed"
