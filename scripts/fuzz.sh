#!/usr/bin/env bash
# Builds the fuzz targets with clang, under address and undefined-behaviour sanitizers, and runs each for a while.
#
#   scripts/fuzz.sh [SECONDS each, 10]
#
# What a run finds lies in build/fuzz/found; what it learned, in build/fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-10}"

cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1" -DGATEHOUSE_TESTS=OFF -DGATEHOUSE_BENCH=OFF -DGATEHOUSE_FUZZ=ON \
  -DGATEHOUSE_SANITIZE=address,undefined >build/fuzz-configure.log || { cat build/fuzz-configure.log >&2; exit 1; }
mapfile -t targets < <(sed -n 's/^gatehouse_fuzz(\([a-z_]*\).*/\1/p' fuzz/*/CMakeLists.txt)
ninja -C build/fuzz "${targets[@]}" >build/fuzz-build.log || { tail -n 40 build/fuzz-build.log >&2; exit 1; }

mkdir -p build/fuzz/found
status=0
for target in "${targets[@]}"; do
  corpus="build/fuzz/corpus/$target"
  mkdir -p "$corpus"
  seeds=()
  case "$target" in
    image_fuzz) seeds=(tests/golden/images tests/image/fixtures tests/image/frames) ;;
    conversation_json_fuzz) seeds=(fuzz/policy/conversations) ;;
    policy_json_fuzz) seeds=(models/policies models/starter) ;;
    fuzz_safetensors) seeds=(models/starter) ;;
  esac
  binary="$(find build/fuzz/fuzz -type f -name "$target" -perm -u+x)"
  log="build/fuzz/$target.log"
  if "$binary" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=25 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/ "$corpus" "${seeds[@]}" >"$log" 2>&1; then
    echo "    $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
  else
    echo "    $target: FAILED, see $log"
    tail -n 30 "$log"
    status=1
  fi
done
exit "$status"
