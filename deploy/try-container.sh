#!/usr/bin/env bash
# Builds the image, runs it as compose.yaml does, and checks what docs/monitor.md says about it.
#   ENGINE=docker IMAGE=sentistream BUILD=no PORT=8499 RUN_OPTIONS=... BUILD_OPTIONS=... deploy/try-container.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ENGINE=${ENGINE:-$(command -v podman || command -v docker)}
IMAGE=${IMAGE:-sentistream}
PORT=${PORT:-8499}
read -ra build_options <<< "${BUILD_OPTIONS:-}"
read -ra run_options <<< "${RUN_OPTIONS:-}"
name=sentistream-try-$$
shut_in=(--read-only --tmpfs /tmp:size=64m,mode=1777 --shm-size 256m --cap-drop ALL
  --security-opt no-new-privileges:true --memory 3g --memory-swap 3g --pids-limit 512
  --ulimit core=0 --publish "127.0.0.1:$PORT:8420" "${run_options[@]}")
left() {
  "$ENGINE" rm --force --volumes "$name" > /dev/null 2>&1 || true
  "$ENGINE" volume rm --force "$name" > /dev/null 2>&1 || true
}
trap left EXIT
trap 'echo "FAILED at line $LINENO" >&2' ERR

fail() { echo "FAILED: $*" >&2; "$ENGINE" logs "$name" 2>&1 | tail -20 >&2; exit 1; }
good() { echo "ok: $*"; }
inside() { "$ENGINE" exec "$name" "$@"; }
within() { # SECONDS WHAT COMMAND...: waits until the command succeeds
  local ends=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < ends)) || fail "not in time: $what"
    sleep 1
  done
  good "$what"
}
start() { "$ENGINE" run --detach --name "$name" --volume "$name:/state" "${shut_in[@]}" "$@" > /dev/null; }
asked() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://127.0.0.1:$PORT$1"; }
is_well() { curl --silent --max-time 5 "http://127.0.0.1:$PORT/health" | grep -q '"ok"'; }
readings() {
  inside /opt/sentistream/bin/python -c 'import sqlite3
print(sqlite3.connect("file:/state/monitor.db?mode=ro", uri=True).execute("SELECT count(*) FROM readings").fetchone()[0])'
}
has_more_readings_than() { (($(readings) > $1)); }
comes_back() { [[ $("$ENGINE" logs "$name" 2>&1 | grep --count 'The page:') -ge 2 ]] && is_well; }
ends_well() { # by SIGTERM, in the stop time, with 0
  local begun=$SECONDS code
  "$ENGINE" stop --time 30 "$name" > /dev/null
  ((SECONDS - begun < 30)) || fail "it took the whole stop time"
  code=$("$ENGINE" inspect --format '{{.State.ExitCode}}' "$name")
  [[ $code == 0 ]] || fail "it ended with $code"
  good "SIGTERM ends it in $((SECONDS - begun)) s with 0"
}

if [[ ${BUILD:-yes} == yes ]]; then
  formats=()
  if "$ENGINE" --version | grep -qi podman; then formats=(--format docker); fi
  "$ENGINE" build "${formats[@]}" "${build_options[@]}" -f deploy/Containerfile -t "$IMAGE" .
fi
good "image of $(("$("$ENGINE" image inspect --format '{{.Size}}' "$IMAGE")" / 1000000)) MB"

start --init "$IMAGE"
within 120 "the page is up and the demonstration is watched" is_well
[[ $(asked /api/readings) == 401 ]] || fail "/api/readings said $(asked /api/readings)"
good "/api/readings asks for a login"
inside /opt/sentistream/bin/python /opt/sentistream/health.py 8420 || fail "the health check"
good "the health check says it is well"
[[ $(inside id -u) == 10001 ]] || fail "it runs as $(inside id)"
inside grep -q '^CapEff:.*0000000000000000$' /proc/1/status || fail "it has capabilities"
good "it is an ordinary user without capabilities"
# Podman gives /run and /var/tmp, which are in memory
for folder in / /etc /opt /opt/sentistream /usr /var /var/lib; do
  if inside touch "$folder/x" 2> /dev/null; then fail "it can write to $folder"; fi
done
inside touch /state/x && inside rm /state/x || fail "it cannot write to /state"
good "it writes to its volume alone"
within 60 "readings are stored" has_more_readings_than 0
inside /opt/sentistream/bin/python -c 'import os, pathlib, signal
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    if folder.name != str(os.getpid()) and b"--no-guard" in (folder / "cmdline").read_bytes():
        os.kill(int(folder.name), signal.SIGKILL)'
within 90 "killed, it comes back" comes_back
kept=$(readings)
ends_well

"$ENGINE" rm "$name" > /dev/null
start "$IMAGE" # this time without an init
within 120 "a new container goes on with the volume, as process 1 too" is_well
(($(readings) >= kept)) || fail "there were $kept readings, now there are $(readings)"
within 60 "the $kept readings are still there, and more come" has_more_readings_than "$kept"
ends_well
