#!/usr/bin/env bash
# Builds the fuzz targets with clang, under address and undefined-behaviour sanitizers, and runs each for a while, as
# many at once as there are processors.
#
#   scripts/fuzz.sh [SECONDS each, 10]
#
# What a run finds lies in build/fuzz/found; what it learned, in build/fuzz/corpus/TARGET.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"
export SECONDS_EACH="${1:-10}"

build_asan_ubsan fuzz_targets
mkdir -p build/fuzz/found

# fuzz_one BINARY: one run, a line about it, and 1 where it found something.
fuzz_one() {
  local binary="$1" target seeds=()
  target="$(basename "$binary")"
  local corpus="build/fuzz/corpus/$target" log="build/fuzz/$target.log"
  mkdir -p "$corpus"
  case "$target" in
    image_fuzz) seeds=(tests/golden/images tests/image/fixtures tests/image/frames) ;;
    conversation_json_fuzz) seeds=(fuzz/policy/conversations) ;;
    policy_json_fuzz) seeds=(models/policies models/starter) ;;
    http_head_fuzz) seeds=(fuzz/server/heads) ;;
    server_config_fuzz) seeds=(fuzz/server/configs) ;;
    chat_request_fuzz) seeds=(fuzz/server/requests) ;;
    upstream_answer_fuzz) seeds=(fuzz/server/answers) ;;
    fuzz_safetensors) seeds=(models/starter) ;;
  esac
  if "$binary" -max_total_time="$SECONDS_EACH" -rss_limit_mb=2048 -timeout=25 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/ "$corpus" "${seeds[@]}" >"$log" 2>&1; then
    echo "    $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
  else
    printf '    %s: FAILED, all of its output is in %s\n%s\n' "$target" "$log" "$(tail -n 30 "$log")"
    return 1
  fi
}
export -f fuzz_one
find build/asan-ubsan/fuzz/bin -type f -perm -u+x -print0 | sort -z | xargs -0 -n 1 -P "$JOBS" bash -c 'fuzz_one "$1"' _
