#!/usr/bin/env bash
# Installs the Debian packages that Gatehouse needs, where they are missing. Quiet when nothing is.
#
#   scripts/install-deps.sh           what the build and ./quickstart need
#   scripts/install-deps.sh --tests   and what ./test needs
#   scripts/install-deps.sh --emulator and what scripts/test-emulated-x86.sh needs
#   scripts/install-deps.sh --aarch64 and what scripts/test-aarch64.sh needs: a cross compiler and an emulator
#
# Runs as root or with sudo. On a system without dpkg it prints what is needed and goes on.
set -euo pipefail

packages=(
  # the build
  g++ cmake ninja-build pkg-config
  # configuration, log
  nlohmann-json3-dev libsimdjson-dev libspdlog-dev libfmt-dev
  # linear algebra of calibrated conversion
  libeigen3-dev
  # compressed data sets; digests and base64
  zlib1g-dev libssl-dev
  # image decoders
  libjpeg62-turbo-dev libspng-dev libwebp-dev libgif-dev
  # Unicode classes and patterns
  libicu-dev libpcre2-dev
  # HTTP, its configuration and figures
  libboost1.81-dev libcurl4-openssl-dev libtomlplusplus-dev prometheus-cpp-dev
  # the scripts
  git python3
)
for argument in "$@"; do
  case "$argument" in
    --tests)
      packages+=(
        libgtest-dev libgmock-dev libbenchmark-dev xz-utils ccache
        # the report and other pages in a real browser
        chromium chromium-driver
        # the second compiler, its sanitizers, the checks of form
        clang clang-tidy clang-format libclang-rt-14-dev
      )
      ;;
    --emulator) packages+=(qemu-user) ;;
    --aarch64)
      # Debian's sources of GoogleTest are built by the cross compiler.
      packages+=(g++-aarch64-linux-gnu qemu-user googletest ccache)
      ;;
    *)
      echo "install-deps.sh: unknown option $argument (expected --tests, --emulator or --aarch64)" >&2
      exit 2
      ;;
  esac
done
# A python3 from elsewhere may bring pip and venv itself; Debian's needs two more packages.
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || packages+=(python3-venv)

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps.sh: no dpkg here; make sure that these (Debian's names) are installed: ${packages[*]}" >&2
  exit 0
fi

installed="$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p')"
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "install-deps.sh: error: neither root nor sudo; install these packages first: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing ${missing[*]}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 "$@" </dev/null; }
# The lists may be old or absent: refresh them only where the first try fails.
if ! apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "install-deps.sh: error: apt-get could not install ${missing[*]}" >&2
    exit 1
  fi
fi
