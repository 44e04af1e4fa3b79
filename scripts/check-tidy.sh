#!/usr/bin/env bash
# clang-tidy on the .cc files that changed since origin/main (or $GATEHOUSE_BASE). Where that is unknown or is this
# very commit, on all of src/, the latest changed first, for at most $GATEHOUSE_TIDY_SECONDS (600).
set -euo pipefail
cd "$(dirname "$0")/.."
# The flags of each file by itself: a build compiles several as one.
export DATABASE=build/tidy-database
cmake -S . -B "$DATABASE" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGATEHOUSE_TESTS=OFF -DGATEHOUSE_BENCH=OFF \
  -DGATEHOUSE_UNITY=OFF >/dev/null

limit="${GATEHOUSE_TIDY_SECONDS:-600}"
jobs="${GATEHOUSE_JOBS:-$(nproc)}"
base="${GATEHOUSE_BASE:-$(git rev-parse --verify -q origin/main || true)}"
if [[ -n $base && "$(git rev-parse "$base")" != "$(git rev-parse HEAD)" ]] && git merge-base "$base" HEAD >/dev/null 2>&1; then
  mapfile -t candidates < <(git diff --name-only --diff-filter=d "$(git merge-base "$base" HEAD)" -- 'src/*.cc')
  echo "    changed since ${base:0:12}"
else
  mapfile -t candidates < <({ git log -n 400 --name-only --pretty=format: -- 'src/*.cc'; git ls-files 'src/*.cc'; } |
    awk 'NF && !seen[$0]++')
fi

# Only what the build compiles: a file for another processor has no flags here.
files=()
for file in "${candidates[@]}"; do
  if [[ -f $file ]] && grep -qF "\"$PWD/$file\"" "$DATABASE/compile_commands.json"; then files+=("$file"); fi
done
((${#files[@]})) || { echo "    nothing to check"; exit 0; }

mkdir -p build/tidy
rm -f build/tidy/*.log build/tidy/*.done
# check_one FILE: quiet when clean. g++'s own warning switches mean nothing to clang.
check_one() {
  local log="build/tidy/${1//\//_}"
  (($(date +%s) < DEADLINE)) || return 0
  if clang-tidy --quiet -p "$DATABASE" --extra-arg=-Wno-unknown-warning-option "$1" >"$log.log" 2>/dev/null; then
    rm -f "$log.log"
  fi
  touch "$log.done"
}
export -f check_one
export DEADLINE=$(($(date +%s) + limit))
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'check_one "$1"' _

checked=$(find build/tidy -name '*.done' | wc -l)
bad=$(find build/tidy -name '*.log' | wc -l)
if ((bad)); then cat build/tidy/*.log; fi
echo "    $checked of ${#files[@]} files checked, $bad with findings"
((bad == 0))
