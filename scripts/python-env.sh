#!/usr/bin/env bash
# Makes build/venv, the Python that some tests compare with (scripts/requirements.txt). Idempotent.
# Where PyPI cannot be reached it says so and succeeds: those tests are then skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=build/venv
stamp="$venv/requirements.sha256"
wanted="$(sha256sum <scripts/requirements.txt)"
if [[ -x $venv/bin/python && -f $stamp && "$(cat "$stamp")" == "$wanted" ]]; then
  exit 0
fi

rm -rf "$venv"
mkdir -p build
if ! python3 -m venv "$venv" >build/venv.log 2>&1; then
  echo "python-env.sh: skipped: python3 -m venv failed (build/venv.log); tests that need Python packages are skipped"
  exit 0
fi
if ! "$venv/bin/python" -m pip install --disable-pip-version-check --retries 2 --timeout 30 \
  -r scripts/requirements.txt >build/venv.log 2>&1; then
  rm -rf "$venv"
  echo "python-env.sh: skipped: PyPI packages could not be installed (build/venv.log); tests that need them are skipped"
  exit 0
fi
printf '%s' "$wanted" >"$stamp"
