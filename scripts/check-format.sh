#!/usr/bin/env bash
# Fails if clang-format would change a C++ file of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files 'src/*.cc' 'src/*.h' 'src/*.inl' 'include/*.h' 'tests/*.cc' 'tests/*.h' \
  'bench/*.cc' 'bench/*.h' 'fuzz/*.cc' 'examples/*.cc')
bad=0
for file in "${files[@]}"; do
  if ! clang-format --dry-run --Werror "$file" 2>/dev/null; then
    echo "    not formatted: $file (clang-format -i $file)"
    bad=$((bad + 1))
  fi
done
echo "    ${#files[@]} files, $bad to format"
((bad == 0))
