#!/usr/bin/env bash
# Runs a check of ../shared against the binary: shared_check.sh SOURCE_DIR CHECK BINARY WORK_DIR
# CHECK is its path in that folder (check/accept.py, field/check.py). Exit 77 (skipped) without it, or without a Python
# that has what it needs.
set -euo pipefail
source_dir="$1" check="$1/../shared/$2" binary="$3" work="$4"
if [[ ! -f $check ]]; then
  echo "skipped: no $2 in ../shared beside the clone"
  exit 77
fi
if [[ $2 == field/* && ! -d $(dirname "$binary")/share/gatehouse/models/starter ]]; then
  echo "skipped: $2 needs the starter model (scripts/starter.sh)"
  exit 77
fi
for python in "${GATEHOUSE_PYTHON:-}" "$source_dir/build/venv/bin/python" python3; do
  [[ -n $python ]] && "$python" -c 'import numpy, PIL, gguf' 2>/dev/null || continue
  exec "$python" "$check" --binary "$binary" --work "$work"
done
echo "skipped: no Python with numpy, pillow and gguf (scripts/python-env.sh)"
exit 77
