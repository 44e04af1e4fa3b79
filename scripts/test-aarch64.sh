#!/usr/bin/env bash
# Builds the kernels and their tests for 64-bit ARM with Debian's cross compiler, and runs every kernel test under
# QEMU's user emulation as three processors, so that every NEON table is compared with the portable ones. Nothing is
# timed: an emulator says nothing about speed.
#
#   scripts/test-aarch64.sh             installs what is missing, builds in build/aarch64, runs the tests
#   scripts/test-aarch64.sh --compile   only builds
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

case "${1:-}" in
  "" | --compile) ;;
  *) fail "unknown option $1 (expected --compile)" ;;
esac
scripts/install-deps.sh --aarch64
for program in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$program" >/dev/null || fail "$program is not installed"
done
[[ -f /usr/src/googletest/CMakeLists.txt ]] || fail "no sources of GoogleTest in /usr/src/googletest"

step "kernels for 64-bit ARM in build/aarch64"
configure_and_build aarch64 all "-DCMAKE_TOOLCHAIN_FILE=$ROOT/cmake/aarch64.cmake" -DCMAKE_BUILD_TYPE=Release \
  -DGATEHOUSE_KERNELS_ONLY=ON -DGATEHOUSE_TESTS=ON -DGATEHOUSE_BENCH=OFF -DGATEHOUSE_GTEST_SOURCE=/usr/src/googletest
python3 tests/house/isa_objects.py "$ROOT" "$ROOT/build/aarch64" || fail "objects of one instruction set"
finish
[[ ${1:-} != --compile ]] || exit 0

# A processor with everything, one without products of small matrices and without BF16, one without dot products.
status=0
for pair in max:neon-bf16 neoverse-n1:neon-dotprod cortex-a72:neon; do
  step "kernel tests on an emulated ${pair%%:*}, which must get ${pair##*:}"
  QEMU_CPU="${pair%%:*}" GATEHOUSE_EXPECT_ISA="${pair##*:}" ctest --test-dir build/aarch64 --output-on-failure \
    --no-tests=error -j "$JOBS" </dev/null || status=1
  finish
done
exit "$status"
