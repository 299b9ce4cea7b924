#!/usr/bin/env bash
# Sets up everything from nothing: Debian/Ubuntu packages, a virtual environment, PyWall and its plugins in it.
# Runs again in a second when nothing has changed, and installs only what is missing. Nothing of ours is compiled.
#   scripts/setup.sh run     what `make demo` needs
#   scripts/setup.sh dev     what development needs: all plugins, linters, test tools and the programs that tests talk to
#   scripts/setup.sh lint    ruff alone
#   scripts/setup.sh covert  the tunnels and services that `make test-covert` measures
#   scripts/setup.sh corpus  the encoders that make the payload classifier's corpus
# PYTHON: the Python to use (default: the first of python3, python3.14 ... python3.11 that is 3.11 or newer).
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-run}

run_packages="python3-venv python3-dev gcc libc6-dev libnetfilter-queue-dev iptables ipset iproute2 conntrack procps openssl ca-certificates"
case $level in
  run) packages=$run_packages ;;
  dev) packages="$run_packages build-essential openssh-server openssh-client openvpn curl tcpdump iperf3 nftables ethtool redis-server nats-server
    nginx squid exim4-daemon-light dovecot-imapd slapd ldap-utils iputils-ping dnsmasq-base isc-dhcp-client bind9-dnsutils vsftpd
    chrony ntpsec-ntpdig miniupnpc sip-tester mosh wireguard-go wireguard-tools" ;;
  lint) packages="python3-venv ca-certificates" ;;
  covert)
    packages="shadowsocks-libev v2ray obfs4proxy simple-obfs kcptun wireguard-go wireguard-tools iodine dns2tcp ptunnel-ng stunnel4
      rsync git mosh samba smbclient redis-server redis-tools postgresql memcached ffmpeg netcat-openbsd"
    ;;
  corpus) packages="ffmpeg 7zip lzop" ;;
  *) echo "setup: unknown level '$level': run, dev, lint, covert or corpus" >&2; exit 2 ;;
esac

fail() {
  echo "setup: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "Debian packages are missing and this is not root; as root: apt-get install$missing"; fi
}

missing=""
if command -v dpkg-query >/dev/null; then
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    echo "setup: installing Debian packages:$missing" >&2
    started=$SECONDS
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
      fail "apt-get update failed: look at /etc/apt/sources.list and at the network"
    # another apt may be at work, as a new machine's own upgrade is; RUNLEVEL=1 keeps the servers that the tests
    # start themselves from being started by their packages
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >/dev/null ||
      fail "apt-get install$missing failed: install them by hand, then run make again"
    echo "setup: apt took $((SECONDS - started)) s" >&2
  fi
else
  echo "setup: not a Debian system; install what these packages hold: $packages" >&2
fi
[ "$level" = corpus ] || [ "$level" = covert ] && exit 0

venv=.venv
done_with=$venv/.setup # one file for each step that is done, with the checksum of what it was done for
pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q "$@" 2> >(grep -v '^WARNING: Location' >&2 || true); }
is_done() { [ "$(cat "$done_with/$1" 2>/dev/null)" = "$2" ]; }
mark_done() { echo "$2" >"$done_with/$1"; }
need_network="pip could not install what is needed. Is the package index reachable (pip config list)?"

if [ ! -x $venv/bin/python ]; then
  python=${PYTHON:-}
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$python" ] && break
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
    fi
  done
  [ -n "$python" ] || fail "no Python 3.11 or newer with venv was found; name one: make PYTHON=/path/to/python3.12 ..."
  "$python" -m venv $venv
fi
mkdir -p $done_with

need_groups() { # --group came with pip 25.1
  "$venv/bin/python" -c 'import sys, pip; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (25, 1))' ||
    pip install --upgrade 'pip>=25.1' || fail "$need_network"
}

if [ "$level" = lint ]; then
  [ -x $venv/bin/ruff ] || { need_groups && pip install --group lint || fail "$need_network"; }
  exit 0
fi

# The binding to NFQUEUE is published as source only, with C that an old Cython made: pip builds it apart, with a Cython
# of today, while the rest is installed.
build_binding() {
  [ -e "$(echo $venv/wheels/netfilterqueue-*.whl)" ] || pip wheel --no-deps -w $venv/wheels 'NetfilterQueue>=1.1'
}
binding=""
if ! "$venv/bin/python" -c 'import netfilterqueue' 2>/dev/null; then
  build_binding &
  binding=$!
fi

# what an editable installation is made from: its modules may change, but where entry points are found among them, their names count
metadata_of() {
  { cat "$1/pyproject.toml" "$1/hatch_build.py" 2>/dev/null; [ ! -e "$1/hatch_build.py" ] || find "$1/src" -name '*.py' | sort; } | cksum
}
changed=()
wanted=(. plugins/*/)
if [ "$level" = run ]; then # only what the ready-made policies name
  wanted=(.)
  for name in $(sed -nE 's/^plugins: \[(.*)\]/\1/p' pywall_core/policies/*.yaml | tr -s ', ' '\n' | sort -u); do
    [ ! -d "plugins/$name" ] || wanted+=("plugins/$name/")
  done
fi
for distribution in "${wanted[@]}"; do
  is_done "dist-${distribution//\//-}" "$(metadata_of "$distribution")" || changed+=("$distribution")
done
if [ ${#changed[@]} -gt 0 ]; then
  echo "setup: installing PyWall and its plugins into $venv: ${changed[*]}" >&2
  # the build tools first, so that each of our own distributions need not fetch them anew
  is_done tools 1 || pip install --no-compile hatchling editables || fail "$need_network"
  mark_done tools 1
  pip install --no-compile --no-build-isolation "${changed[@]/#/-e./}" || fail "$need_network"
  for distribution in "${changed[@]}"; do
    mark_done "dist-${distribution//\//-}" "$(metadata_of "$distribution")"
  done
fi

if [ -n "$binding" ]; then
  wait "$binding" && pip install --no-deps $venv/wheels/netfilterqueue-*.whl ||
    fail "NetfilterQueue could not be built (see above). It needs gcc, Python's headers (python3-dev for the system's Python)
       and libnetfilter-queue-dev; then: $venv/bin/python -m pip install NetfilterQueue
       Without it all but live traffic works: $venv/bin/pywall replay CAPTURE"
fi

if [ "$level" = dev ]; then
  sum=$(cksum <pyproject.toml)
  if ! is_done dev "$sum"; then
    echo "setup: installing linters and test tools" >&2
    need_groups
    pip install --no-compile --group dev || fail "$need_network"
    mark_done dev "$sum"
  fi
fi
