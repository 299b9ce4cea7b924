#!/usr/bin/env bash
# Tries the Debian package on a system that is thrown away afterwards: installed, started in a network namespace, upgraded,
# removed, purged. Run it in a clone after `make demo`; its wheels are made here unless dist/ has some. make test-bare does both.
set -euo pipefail
cd "$(dirname "$0")/../.."
step() { echo "deb: $*"; }
fail() { echo "deb: FAILED: $*" >&2; exit 1; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >/dev/null; }
in_namespace() { nsenter --net=/run/netns/trial -- "$@"; }
wait_until() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; fail "not within 30 s: $*"; }
holds_packets() { [[ "$(in_namespace iptables-save)" == *NFQUEUE* ]]; }

if [ ! -d dist ]; then
  step "wheels (not compiled)"
  .venv/bin/python -m pip install -q --no-compile wheel
  .venv/bin/python scripts/wheels.py
fi
step "install"
REVISION=1 packaging/deb/build.sh
apt install "./$(ls dist/pywall_*-1_*.deb)"
cd / # nothing may come from the clone
pywall --version
pywall check --config /etc/pywall/pywall.yaml >/dev/null
[[ "$(pywall plugins list --config /etc/pywall/pywall.yaml)" == *protocols* ]] || fail "the plugins are not there"
[ "$(zcat /usr/share/man/man8/pywall.8.gz /usr/share/man/man8/pywall-replay.8.gz | grep -c '^\.TH')" = 2 ] || fail "man pages"
apt install fish zsh
bash -n /usr/share/bash-completion/completions/pywall
[[ "$(fish -c 'complete -C "pywall rel"')" == reload* ]] || fail "fish completes no command"
[ "$(zsh -fc 'autoload -Uz compinit && compinit -u && echo ${_comps[pywall]}')" = _pywall ] || fail "zsh does not find its script"
grep -q '^ExecStart=/usr/bin/pywall run --config /etc/pywall/pywall.yaml' /usr/lib/systemd/system/pywall.service
[ -z "$(find /etc/systemd -name 'pywall*')" ] || fail "the service is enabled"

step "start in a namespace"
ip netns add trial
trap 'ip netns del trial' EXIT
in_namespace ip link set lo up
nsenter --net=/run/netns/trial -- pywall run --config /etc/pywall/pywall.yaml & # no function: its process is the firewall's
firewall=$!
wait_until in_namespace pywall status
holds_packets || fail "no rules in the kernel"
kill "$firewall"
wait "$firewall" || fail "it ended with code $?"
! holds_packets || fail "its rules are still there"

step "upgrade"
echo "# mine" >>/etc/pywall/pywall.yaml
REVISION=2 "$OLDPWD/packaging/deb/build.sh"
apt install "$(ls "$OLDPWD"/dist/pywall_*-2_*.deb)"
[[ "$(dpkg-query -W -f '${Version}' pywall)" == *-2 ]] || fail "not upgraded"
[ "$(tail -1 /etc/pywall/pywall.yaml)" = "# mine" ] || fail "the configuration was overwritten"
pywall check --config /etc/pywall/pywall.yaml >/dev/null

step "remove and purge"
apt remove pywall
[ -e /etc/pywall/pywall.yaml ] || fail "remove took the configuration"
[ ! -e /usr/lib/pywall ] || fail "remove left $(find /usr/lib/pywall | head -3)"
apt purge pywall
left=$(find / -xdev \( -path /root -o -path /proc -o -path /sys -o -path /var/cache/apt \) -prune -o -iname '*pywall*' -print)
[ -z "$left" ] || fail "purge left $left"
step "all passed"
