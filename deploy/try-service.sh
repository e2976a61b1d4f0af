#!/usr/bin/env bash
# Boots a fresh Debian with systemd, follows "As a service" in docs/monitor.md word for word, and
# checks that the service does what it says. Needs root, mmdebstrap, systemd-nspawn, a free port 8420.
#   SUITE=bookworm MAKE_OPTIONS=... BOOT_OPTIONS=... deploy/try-service.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SUITE=${SUITE:-bookworm}
read -ra make_options <<< "${MAKE_OPTIONS:-}"
read -ra boot_options <<< "${BOOT_OPTIONS:-}"
root=$(mktemp --directory /var/tmp/sentistream-try-XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT

echo "making a Debian $SUITE ..."
mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus,udev,iproute2,procps,curl,ca-certificates \
  "${make_options[@]}" "$SUITE" "$root"
mkdir "$root/root/sentistream"
git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$root/root/sentistream"
echo 'APT::Get::Assume-Yes "true";' > "$root/etc/apt/apt.conf.d/yes"

cat > "$root/root/try" <<'INSIDE'
#!/bin/bash
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 SYSTEMD_PAGER=
unit=sentistream-monitor
failed() { echo "FAILED: $*"; journalctl --unit $unit --output cat --no-pager | tail -20; exit 1; }
of() { systemctl show $unit --property "$1" --value; }
answers() { [[ $(curl --silent --max-time 3 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:8420$1") == "$2" ]]; }
comes_back() { # BEFORE SECONDS WHAT
  local ends=$((SECONDS + $2))
  until [[ $(of MainPID) != "$1" && $(of MainPID) != 0 ]] && answers /health 200; do
    ((SECONDS < ends)) || failed "it does not come back: $3"
    sleep 1
  done
  echo "ok: $3, it is back after $((SECONDS - ends + $2)) s"
}
cd /root/sentistream
apt-get -qq update || failed "apt-get update"
awk '/^## As a service/ {here = 1} here && /^```sh$/ {on = 1; next} on && /^```$/ {exit} on' docs/monitor.md > /root/steps
bash -e /root/steps > /root/steps.log 2>&1 || { tail -20 /root/steps.log; failed "the steps of docs/monitor.md"; }
journalctl --sync # a person would be slower than these steps
$(tail -1 /root/steps | sed 's/#.*//') | grep -q '/setup/' || failed "the last step shows no setup link"
echo "ok: the steps of docs/monitor.md end with the setup link"
answers /health 200 && answers /api/readings 401 || failed "the page"
echo "ok: /health says 200, /api/readings 401"
main=$(of MainPID)
[[ $(stat --format %u /proc/"$main") != 0 ]] || failed "it runs as root"
grep -q '^NoNewPrivs:.*1' /proc/"$main"/status && grep -q '^Seccomp:.*2' /proc/"$main"/status || failed "it is not shut in"
echo "ok: it runs as user $(stat --format %u /proc/"$main"), without new privileges, behind a filter of system calls"
kill -KILL "$main" && comes_back "$main" 60 "killed"
main=$(of MainPID)
kill -STOP "$main" && comes_back "$main" 180 "hanging, and ended by the watchdog"
systemctl stop $unit
[[ $(of Result) == success && $(of ExecMainStatus) == 0 ]] || failed "it ended with $(of Result), $(of ExecMainStatus)"
echo "ok: stopped, it ends with 0"
systemd-analyze security $unit --no-pager | tail -1
echo "all is well"
INSIDE
cat > "$root/etc/systemd/system/try.service" <<'INSIDE'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=1200
ExecStart=/bin/bash /root/try
StandardOutput=file:/root/result
StandardError=file:/root/result
[Install]
WantedBy=default.target
INSIDE
systemctl --root "$root" enable try.service 2> /dev/null

echo "booting it and setting the service up ..."
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
systemd-nspawn --quiet --register=no --keep-unit --machine sentistream-try --directory "$root" \
  --capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON --system-call-filter=bpf "${boot_options[@]}" \
  --resolv-conf=copy-host --boot < /dev/null > "$root/boot.log" 2>&1 || true
cat "$root/root/result" || tail "$root/boot.log"
grep -q '^all is well' "$root/root/result"
