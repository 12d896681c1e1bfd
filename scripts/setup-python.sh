#!/usr/bin/env bash
# The Python of the tests: a virtual environment at tests/.venv with the packages of tests/python/requirements.txt.
# Does nothing where the environment has them already.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=tests/python/requirements.txt
installed=tests/.venv/requirements.txt
cmp -s "$wanted" "$installed" && exit 0

rm -rf tests/.venv
if ! python3 -m venv tests/.venv; then
    # Debian's python3 comes without ensurepip.
    rm -rf tests/.venv
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
    python3 -m venv tests/.venv
fi
tests/.venv/bin/pip install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$installed"
