#!/usr/bin/env bash
# Runs the release build under QEMU's user emulation as x86-64 processors that have less than this machine may have: three
# with AVX2 and no AVX-512 (no processor of QEMU 7.2 has it), and one without even AVX, which must get the portable kernels.
# The very executable that ./quickstart leaves says what it found and judges a text and an image, with scores as on this
# machine; and the tests of the kernels and some of the whole network's pass. Nothing is timed.
#
#   scripts/test-emulated-x86.sh                  all four
#   scripts/test-emulated-x86.sh Haswell:avx2     one: QEMU's name of a processor, and the set that it must get
#
# Needs build/release with its tests, as ./test leaves it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

[[ "$(uname -m)" == x86_64 ]] || fail "not an x86-64 machine"
scripts/install-deps.sh --emulator
command -v qemu-x86_64 >/dev/null || fail "qemu-x86_64 is not installed"
tests=build/release/tests
for file in build/release/gatehouse "$tests/cli/make_checkpoint" "$tests/kernels/tables_test" "$tests/engine/engine_test"; do
  [[ -x $file ]] || fail "no $file; run ./test first"
done
processors=("$@")
((${#processors[@]})) || processors=(max:avx2 Haswell:avx2 EPYC-Milan:avx2 Nehalem:ref)
unset GATEHOUSE_ISA
status=0

step "version and verdicts as ${processors[*]}"
GATEHOUSE_JOBS="$JOBS" python3 tests/cli/emulated_verdicts.py build/release/gatehouse "$tests/cli/make_checkpoint" \
  build/emulated-x86/models "${processors[@]}" || status=1
finish

kernels=(
  kernels/tables_test
  kernels/linear_kernel_test
  kernels/linear_layout_test
  kernels/vector_kernel_test
  kernels/quant_kernel_test
  kernels/quant_pack_test
  kernels/quant_round_test
)
# The whole network runs as the first processor alone: every hundred tokens take seconds.
networks=(
  'model/model_parity_test:*Logits*/lg3_tiny'
  'engine/engine_test:*ThreadsDoNotMatter/lg3_tiny_bf16:*RowsThatNobodyReads*/lg3_tiny_bf16'
)
step "tests of kernels and networks"
logs=build/emulated-x86/logs
rm -rf "$logs"
mkdir -p "$logs"
# run_suite CPU:ISA SUITE[:FILTER]
run_suite() {
  local cpu="${1%%:*}" suite="${2%%:*}" filter="${2#*:}" log started
  [[ $filter != "$2" ]] || filter='*'
  log="$LOGS/$cpu-${suite##*/}.log"
  started="$(date +%s)"
  if GATEHOUSE_EXPECT_ISA="${1##*:}" QEMU_CPU="$cpu" qemu-x86_64 "build/release/tests/$suite" --gtest_filter="$filter" >"$log" 2>&1 &&
    grep -q '^\[  PASSED  \] [1-9]' "$log"; then
    echo "ok    $cpu: ${suite##*/} ($(($(date +%s) - started)) s)"
  else
    echo "FAIL  $cpu: ${suite##*/}:"
    tail -n 30 "$log"
    return 1
  fi
}
export -f run_suite
export LOGS="$logs"
{
  for suite in "${networks[@]}"; do printf '%s\0%s\0' "${processors[0]}" "$suite"; done
  for processor in "${processors[@]}"; do
    for suite in "${kernels[@]}"; do printf '%s\0%s\0' "$processor" "$suite"; done
  done
} | xargs -0 -n 2 -P "$JOBS" bash -c 'run_suite "$1" "$2"' _ || status=1
finish
exit "$status"
