#!/usr/bin/env bash
# Makes build/clients, environments of programs that ask `gatehouse serve` and are too large for every run of the
# tests: LiteLLM's proxy (750 MB) and NeMo Guardrails (320 MB). With them the guides' tests run (`ctest -R server_guide`).
# Idempotent; a minute or two.
set -euo pipefail
cd "$(dirname "$0")/.."

# make NAME PACKAGE==VERSION...
make() {
  local venv="build/clients/$1"
  shift
  if [[ -f $venv/made && "$(cat "$venv/made")" == "$*" ]]; then return 0; fi
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  printf '%s' "$*" >"$venv/made"
}
mkdir -p build/clients
make litellm 'litellm[proxy]==1.108.7'
make nemo 'nemoguardrails==0.24.1'
