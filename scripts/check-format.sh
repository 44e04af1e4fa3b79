#!/usr/bin/env bash
# Fails if clang-format would change a C++ file of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files 'src/*.cc' 'src/*.h' 'src/*.inl' 'include/*.h' 'tests/*.cc' 'tests/*.h' \
  'bench/*.cc' 'bench/*.h' 'fuzz/*.cc' 'examples/*.cc')
check_one() {
  clang-format --dry-run --Werror "$1" 2>/dev/null || echo "    not formatted: $1 (clang-format -i $1)"
}
export -f check_one
bad="$(printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "${GATEHOUSE_JOBS:-$(nproc)}" bash -c 'check_one "$1"' _)"
[[ -z $bad ]] || printf '%s\n' "$bad"
echo "    ${#files[@]} files"
[[ -z $bad ]]
