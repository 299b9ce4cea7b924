#!/usr/bin/env bash
# Tries the Debian package under a systemd of its own, which is thrown away afterwards: enabled, reloaded, killed, hung,
# upgraded, stopped, purged. Run it as root in a clone after `scripts/setup.sh run`, in a system that may be changed;
# `make test-systemd` does. The kernel has to let it mount cgroup2.
set -euo pipefail
cd "$(dirname "$0")/../.."
step() { echo "systemd: $*"; }
fail() {
  echo "systemd: FAILED: $*" >&2
  inside journalctl --unit pywall --no-pager --lines 30 >&2 || tail -20 /tmp/boot >&2
  exit 1
}
inside() { nsenter --target "$init" --all --root --wd -- "$@"; }
apt() { DEBIAN_FRONTEND=noninteractive "${@:2:$1}" apt-get -y -qq --no-install-recommends "${@:$1 + 2}" >/dev/null; }
wait_until() { for _ in $(seq 900); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; fail "not within 90 s: $*"; }
property() { inside systemctl show --property "$1" --value pywall; }
holds_packets() { [[ "$(inside iptables-save)" == *NFQUEUE* ]]; }
runs() { [ "$(property ActiveState)" = active ] && inside pywall status >/dev/null && holds_packets; }
runs_again() { [[ "$(property MainPID)" != @(0|"$1") ]] && runs; }

make_package() { REVISION=$1 packaging/deb/build.sh >/dev/null && package=$(ls "$PWD"/dist/pywall_*-"$1"_*.deb); }

step "the package (not compiled)"
[ -d dist ] || { .venv/bin/python -m pip install -q --no-compile wheel && .venv/bin/python scripts/wheels.py >/dev/null; }
make_package 1
apt 0 install systemd-sysv dbus iproute2

step "boot"
groups=/tmp/cgroups
mkdir -p "$groups"
mount -t cgroup2 cgroup2 "$groups"
mkdir -p "$groups/pywall-trial"
boot='mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
  mount -t cgroup2 cgroup2 /sys/fs/cgroup; ip link set lo up; exec /sbin/init --log-target=console --log-level=warning'
(echo "$BASHPID" >"$groups/pywall-trial/cgroup.procs" && container=other exec \
  unshare --cgroup --pid --fork --kill-child --mount --net --uts --ipc bash -c "$boot") >/tmp/boot 2>&1 &
system=$!
clean_up() {
  kill -KILL "$system" 2>/dev/null || true
  wait "$system" 2>/dev/null || true
  for _ in $(seq 50); do
    find "$groups/pywall-trial" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.1
  done
  umount "$groups"
}
trap clean_up EXIT
init=$system
is_booted() { init=$(pgrep --parent "$system") && [[ "$(inside systemctl is-system-running)" == @(running|degraded) ]]; }
wait_until is_booted

step "install, enable"
apt 1 inside install "$package"
[ "$(property ActiveState)" = inactive ] || fail "it runs without having been asked"
inside systemctl enable --now pywall 2>/dev/null || fail "it does not start"
runs || fail "it does not run"

step "reload"
inside systemctl reload pywall || fail "the reload"
runs || fail "it does not run any more"

step "killed"
before=$(property MainPID)
inside kill -KILL "$before"
wait_until runs_again "$before"

step "hung: the watchdog ends it"
before=$(property MainPID)
inside kill -STOP "$before"
wait_until runs_again "$before"

step "upgrade"
before=$(property MainPID)
make_package 2
apt 1 inside install "$package"
wait_until runs_again "$before"

step "stop"
inside systemctl stop pywall
! holds_packets || fail "its rules are still there"

step "purge while it runs"
inside systemctl start pywall
runs || fail "it does not start again"
apt 1 inside purge pywall
[ "$(property ActiveState)" != active ] || fail "it runs without its package"
! holds_packets || fail "its rules are still there"
step "all passed"
