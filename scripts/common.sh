# Shared by the scripts: steps that say what they do and how long they took. Source it, do not run it.
#
#   source "$(dirname "$0")/scripts/common.sh"
#   step "building"; cmake --build build/release; finish

# The processors that this shell may use: those that it is bound to, or a container's quota of time, rounded up.
processors() {
  local count quota=max period=100000
  count="$(nproc)"
  if [[ -r /sys/fs/cgroup/cpu.max ]]; then
    read -r quota period </sys/fs/cgroup/cpu.max || true
  elif [[ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]]; then
    read -r quota </sys/fs/cgroup/cpu/cpu.cfs_quota_us || true
    read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us || true
  fi
  # "max" and -1 are no quota.
  if [[ $quota =~ ^[1-9][0-9]*$ ]] && (((quota + period - 1) / period < count)); then
    count=$(((quota + period - 1) / period))
  fi
  echo "$count"
}

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
JOBS="${GATEHOUSE_JOBS:-$(processors)}"
STARTED_AT="$(date +%s)"
STEP_AT="$STARTED_AT"

step() {
  STEP_NAME="$*"
  STEP_AT="$(date +%s)"
  printf '==> %s\n' "$STEP_NAME"
}

finish() { printf '    %s (%s)\n' "${1:-done}" "$(spent "$STEP_AT")"; }

# spent SECONDS_SINCE_1970: the time since then, for people.
spent() {
  local seconds=$(($(date +%s) - $1))
  if ((seconds < 60)); then printf '%d s' "$seconds"; else printf '%d min %d s' $((seconds / 60)) $((seconds % 60)); fi
}

fail() {
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# quietly LOG COMMAND...: runs it with its output in a file; shows the end of the file if it fails.
quietly() {
  local log="$1"
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    fail "$1 failed; all of its output is in $log"
  fi
}

# configure_and_build DIR "TARGET..." [-D...]: targets of the tree build/DIR ("all" for everything in it).
configure_and_build() {
  local dir="$ROOT/build/$1" targets
  read -ra targets <<<"$2"
  shift 2
  quietly "$dir.configure.log" cmake -S "$ROOT" -B "$dir" -G Ninja "$@"
  quietly "$dir.build.log" cmake --build "$dir" --target "${targets[@]}" -j "$JOBS"
}

# What trees under sanitizers have in common: the standard library's assertions too; -O1, because sanitizers over -O0
# would take hours.
CHECKED=(-DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -D_GLIBCXX_ASSERTIONS"
  -DGATEHOUSE_TESTS=ON -DGATEHOUSE_BENCH=OFF)

# build_asan_ubsan "TARGET...": the one tree under the address and undefined-behaviour sanitizers, of unit tests and of
# fuzz targets alike, by clang, which the release is not built with.
build_asan_ubsan() {
  local python=()
  [[ ! -x $ROOT/build/venv/bin/python ]] || python=("-DPython3_EXECUTABLE=$ROOT/build/venv/bin/python")
  configure_and_build asan-ubsan "$1" "${CHECKED[@]}" "${python[@]}" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
    -DGATEHOUSE_FUZZ=ON -DGATEHOUSE_SANITIZE=address,undefined
}
