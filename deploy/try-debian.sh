#!/usr/bin/env bash
# Creates a fresh Debian of any suite and CPU architecture, installs this tree's wheel in it as a user would,
# and runs `sentistream doctor`, the demo and the core tests. A foreign architecture is emulated.
#   deploy/try-debian.sh                                  this machine's architecture, Debian 13, its Python
#   ARCH=arm64 deploy/try-debian.sh                       64-bit Arm, emulated by QEMU if needed
#   SUITE=sid PYTHON=python3.14 deploy/try-debian.sh      a newer Python
#   EXTRAS=monitor TESTS='tests/voice tests/monitor/cameras' deploy/try-debian.sh
# DEMO_OPTIONS='--seconds 2' makes a shorter demo. ROOT=FOLDER keeps the system there and reuses
# it; without ROOT, nothing is left behind.
# Needs root, mmdebstrap and, to emulate, qemu-user-static, binfmt-support and arch-test (Debian: apt install ...).
# MAKE_OPTIONS are mmdebstrap's, such as --aptopt='Acquire::Check-Valid-Until "false"' for an old mirror.
# It takes a few minutes natively, and ten to thirty times as long emulated.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$(dpkg --print-architecture)
ARCH=${ARCH:-$here}
SUITE=${SUITE:-trixie}
PYTHON=${PYTHON:-python3}
EXTRAS=${EXTRAS:-}
TESTS=${TESTS:-tests/vision tests/voice tests/media tests/runtime tests/test_analyzer.py}
read -ra make_options <<< "${MAKE_OPTIONS:-}"

fail() { echo "FAILED: $*" >&2; exit 1; }
[[ $(id -u) == 0 ]] || fail "it needs root, to make the system and to enter it"
command -v mmdebstrap > /dev/null || fail "apt install mmdebstrap"
case $ARCH in arm64) cpu=aarch64 ;; armhf) cpu=arm ;; amd64) cpu=x86_64 ;; *) cpu=$ARCH ;; esac
if [[ $ARCH != "$here" ]]; then
  # tell the kernel which program runs foreign binaries
  mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  command -v update-binfmts > /dev/null || fail "apt install qemu-user-static binfmt-support"
  update-binfmts --enable "qemu-$cpu" > /dev/null 2>&1 || true
  command -v arch-test > /dev/null || fail "apt install arch-test"
fi

kept=${ROOT:-}
root=${kept:-$(mktemp --directory /var/tmp/sentistream-try-XXXXXX)}
build=$(mktemp --directory)
left() {
  rm -rf "$build"
  [[ -n $kept ]] || rm -rf --one-file-system "$root"
}
trap left EXIT

python=${HOST_PYTHON:-python3}
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$build" . || fail "the wheel cannot be built"
wheel=$(basename "$build"/*.whl)
echo "ok: $wheel, $(stat --format %s "$build/$wheel" | awk '{printf "%.1f MB", $1 / 1e6}')"

if [[ ! -e $root/usr/bin/$PYTHON ]]; then
  echo "making a Debian $SUITE for $ARCH ..."
  # configuring its packages would take an emulated system half an hour; Python does not need it
  variant=$([[ $ARCH == "$here" ]] && echo minbase || echo extract)
  mmdebstrap --quiet --variant="$variant" --arch="$ARCH" \
    --include="$PYTHON,$PYTHON-venv,bash,coreutils,libatomic1,libstdc++6" "${make_options[@]}" "$SUITE" "$root"
fi
[[ -s $root/etc/passwd ]] || echo 'root:x:0:0:root:/root:/bin/bash' > "$root/etc/passwd"
mkdir -p "$root/etc/ssl/certs"
# use this machine's certificates and pip settings
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [[ -f /etc/pip.conf ]]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
rm -rf "$root/root/tree"
mkdir "$root/root/tree"
git ls-files -z pyproject.toml scripts tests docs deploy README.md | tar --create --null --files-from - \
  | tar --extract --directory "$root/root/tree"
cp "$build/$wheel" "$root/root/tree/"

tools=(hypothesis pytest pytest-timeout pyyaml)
unpacked=
if [[ $ARCH != "$here" ]] && command -v uv > /dev/null; then
  # this machine's uv unpacks the other processor's packages many times as fast as an emulated pip
  version=$(basename "$(readlink -f "$root/usr/bin/$PYTHON")")
  rm -rf "$root/root/packages"
  uv pip install --quiet --target "$root/root/packages" --python-version "${version#python}" \
    --python-platform "$cpu-manylinux_2_28" --only-binary :all: \
    "$build/$wheel${EXTRAS:+[$EXTRAS]}" "${tools[@]}"
  unpacked=/root/packages
  echo "ok: installed by uv for $cpu"
fi

cat > "$root/root/try" <<'INSIDE'
#!/bin/bash
set -euo pipefail
export LC_ALL=C.UTF-8 HOME=/root TMPDIR=/tmp PATH=/root/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin
read -ra tests <<< "$TESTS"
read -ra tools <<< "$TOOLS"
read -ra demo_options <<< "$DEMO_OPTIONS"
cd /root/tree
took() { echo "ok: $1 ($((SECONDS - $2)) s)"; }
begun=$SECONDS
if [[ -n $UNPACKED ]]; then
  export PYTHONPATH=$UNPACKED
  python=$PYTHON
else
  rm -rf /root/venv
  "$PYTHON" -m venv /root/venv
  python=/root/venv/bin/python
  "$python" -m pip install --quiet --prefer-binary "./$WHEEL${EXTRAS:+[$EXTRAS]}"
  sentistream --version
fi
took "installed, $("$python" --version), $(uname -m)" "$begun"
begun=$SECONDS
"$python" -m sentistream doctor
took "sentistream doctor" "$begun"
begun=$SECONDS
"$python" -m sentistream demo --out /root/demo "${demo_options[@]}"
[[ -s /root/demo/report.html ]]
took "sentistream demo ${demo_options[*]}" "$begun"
[[ -n $UNPACKED ]] || "$python" -m pip install --quiet --prefer-binary "${tools[@]}"
begun=$SECONDS
"$python" -m pytest -q -p no:cacheprovider --durations=0 --durations-min=30 --timeout "$TIMEOUT" "${tests[@]}"
took "tests: ${tests[*]}" "$begun"
INSIDE
chmod +x "$root/root/try"
# mounts and processes of its own, which end with it
export PYTHON EXTRAS TESTS WHEEL=$wheel TIMEOUT=${TIMEOUT:-3000} UNPACKED=$unpacked TOOLS="${tools[*]}"
export DEMO_OPTIONS=${DEMO_OPTIONS:-}
# QEMU 7.2 miscalculates with its own processor (probably its vector extension SVE), and is slow: a Raspberry Pi 4's
[[ $cpu != aarch64 ]] || export QEMU_CPU=${QEMU_CPU:-cortex-a72}
unshare --mount --pid --fork --kill-child bash -euc '
  mount --make-rprivate /
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot "$1" /root/try' bash "$root"
