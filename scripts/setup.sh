#!/usr/bin/env bash
# Sets up everything from nothing: Debian/Ubuntu packages, a virtual environment, PyWall and its plugins in it.
# Runs again in a second when nothing has changed.
#   scripts/setup.sh run    what `make demo` needs
#   scripts/setup.sh dev    what the tests, linters and documentation need as well
#   scripts/setup.sh covert the tunnels and services that `make test-covert` measures, besides
#   scripts/setup.sh corpus the encoders that make the payload classifier's corpus, besides
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-run}

run_packages="python3-venv python3-dev build-essential libnetfilter-queue-dev libnfnetlink-dev iptables iproute2 conntrack procps openssl ca-certificates"
dev_packages="openssh-server openssh-client openvpn curl tcpdump iperf3 nftables ethtool"

covert_packages="shadowsocks-libev v2ray obfs4proxy simple-obfs kcptun wireguard-go wireguard-tools iodine dns2tcp ptunnel-ng stunnel4
  rsync git mosh samba smbclient redis-server redis-tools postgresql memcached ffmpeg netcat-openbsd"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=""
wanted=$run_packages
[ "$level" = dev ] && wanted="$wanted $dev_packages"
[ "$level" = corpus ] && wanted="ffmpeg 7zip lzop"
[ "$level" = covert ] && wanted=$covert_packages
if command -v dpkg-query >/dev/null; then
  for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    echo "setup: installing Debian packages:$missing" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # RUNLEVEL=1 keeps the servers that the tests start themselves from being started by their packages
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
  fi
else
  echo "setup: not a Debian system; install the likes of: $wanted" >&2
fi
[ "$level" = corpus ] || [ "$level" = covert ] && exit 0

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
      break
    fi
  done
fi
[ -n "$python" ] || { echo "setup: Python 3.11 or newer is needed" >&2; exit 1; }

stamp=.venv/.setup-$level
sources=$( (cat pyproject.toml plugins/*/pyproject.toml scripts/setup.sh; ls plugins/protocols/src/*/*/*.py) | cksum)
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
# Python's own index says this of local folders; the build tools are in .venv already, so that six builds need not fetch them
install() { pip install -q --no-build-isolation "$@" 2> >(grep -v '^WARNING: Location' >&2); }

# compiled is the module whose source is older
stale() {
  local module
  while read -r module; do
    [ "${module%%.cpython*}.py" -nt "$module" ] && return 0
  done < <(find "$1" -name '*.cpython*.so' -not -name '*__mypyc.*' -not -path './plugins/*' -not -path './.venv/*')
  return 1
}

if [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ] || { [ "$level" = run ] && [ "$(cat .venv/.setup-dev 2>/dev/null)" = "$sources" ]; }; then
  for distribution in . plugins/*/; do
    if stale "$distribution"; then
      echo "setup: compiling $distribution again, its sources have changed" >&2
      install --no-deps -e "$distribution"
    fi
  done
  exit 0
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "setup: installing PyWall and its plugins into .venv (a minute or two: the packet's way is compiled)" >&2
pip install -q --upgrade 'pip>=25.1' hatchling editables hatch-mypyc 'mypy>=2.4,<3' setuptools 2> >(grep -v '^WARNING: Location' >&2)
set -- -e '.[nfqueue,cli]'
for plugin in plugins/*/; do
  case $plugin in
    plugins/protocols/) set -- "$@" -e "./${plugin}[quic]" ;;
    *) set -- "$@" -e "./$plugin" ;;
  esac
done
[ "$level" = dev ] && set -- "$@" --group dev
install "$@"
echo "$sources" > "$stamp"
