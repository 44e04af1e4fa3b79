#!/usr/bin/env bash
# The rows of docs/hardware-checklist.md for a processor with AVX2 and no AVX-512, in one go. Run ./test first; record what
# this prints there, and the figures in docs/performance.md.
#
#   scripts/avx2-rows.sh             tests, then measurements: about an hour, with the machine otherwise idle
#   scripts/avx2-rows.sh --tests     only what is right or wrong: minutes
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

case "${1:-}" in
  "" | --tests) ;;
  *) fail "unknown option $1 (expected --tests)" ;;
esac
binary=build/release/gatehouse
[[ -x $binary && -x build/release/tests/guard/guard_test ]] || fail "no build with tests in build/release; run ./test first"
version="$(env -u GATEHOUSE_ISA "$binary" version --verbose)"
printf '%s\n' "$version"
grep -qx "instruction set: avx2" <<<"$version" || fail "this processor has no AVX2, or more than that"

step "starter, unit, engine and guard tests"
"$binary" classify --user "how do I pick a lock?" </dev/null
ctest --test-dir build/release --output-on-failure -LE 'long|shared' -j "$JOBS" </dev/null
finish
[[ ${1:-} != --tests ]] || exit 0

step "prefill: at least half of the measured peak"
"$binary" bench prefill --shape llama-guard-4 --layers 8
finish
step "every kernel against its bound"
"$binary" bench kernels
finish
step "against llama.cpp"
python3 bench/compare/compare.py
finish
