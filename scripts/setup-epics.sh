#!/usr/bin/env bash
# The peers of the benchmark of writes: EPICS (p4p, softIOC) and pymodbus, in an environment of their own at benches/.venv. Only
# `make bench` needs them. Does nothing where the environment has them already.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=benches/python/requirements.txt
installed=benches/.venv/requirements.txt
cmp -s "$wanted" "$installed" && exit 0

# Also installs what Debian's python3 lacks for making environments.
scripts/setup-python.sh
rm -rf benches/.venv
python3 -m venv benches/.venv
benches/.venv/bin/pip install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$installed"
