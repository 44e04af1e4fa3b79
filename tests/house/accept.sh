#!/usr/bin/env bash
# Runs ../shared/check/accept.py against the binary: accept.sh SOURCE_DIR BINARY WORK_DIR
# Exit 77 (skipped) without that folder, or without a Python that has numpy and pillow.
set -euo pipefail
source_dir="$1" binary="$2" work="$3"
check="$source_dir/../shared/check/accept.py"
if [[ ! -f $check ]]; then
  echo "skipped: no ../shared beside the clone"
  exit 77
fi
for python in "${GATEHOUSE_PYTHON:-}" "$source_dir/build/venv/bin/python" python3; do
  [[ -n $python ]] && "$python" -c 'import numpy, PIL' 2>/dev/null || continue
  exec "$python" "$check" --binary "$binary" --work "$work"
done
echo "skipped: no Python with numpy and pillow (scripts/python-env.sh)"
exit 77
