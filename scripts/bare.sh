#!/usr/bin/env bash
# Runs a command in a minimal Debian that knows nothing of this machine, in a fresh clone of this repository's last commit.
#   scripts/bare.sh trixie make demo
# The new system has make, git and python3. It takes over where packages come from (apt's mirror, pip's settings with the
# folders that they name, CA certificates) and nothing else. All mounts and processes end with the command.
# PYWALL_BASES: a folder that keeps the untouched systems for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=$1
shift
[ "$(id -u)" = 0 ] || { echo "bare: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/pywall-bare.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?([ ]|$)' | head -1 | tr -d ' ') || true
mirror=${mirror:-http://deb.debian.org/debian}

make_base() {
  debootstrap --variant=minbase --include=make,git,python3,ca-certificates "$suite" "$1" "$mirror" >"$work/log" 2>&1 ||
    { tail -20 "$work/log" >&2; exit 1; }
}

if [ -n "${PYWALL_BASES:-}" ]; then
  [ -d "$PYWALL_BASES/$suite" ] || { make_base "$work/base" && mv "$work/base" "$PYWALL_BASES/$suite"; }
  cp -a "$PYWALL_BASES/$suite" "$root"
else
  make_base "$root"
fi

# apt: mirror, proxy, what it thinks of dates; certificates of this machine's own
apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$root/etc/apt/apt.conf.d/90machine" || true
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/throw-away" # nothing here has to survive a crash
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

# pip: each setting, whether it stands in a file or in the environment; later lines win, as with pip
: >"$work/folders"
{
  echo "[global]"
  { python3 -m pip config list 2>/dev/null || true; } | sed -nE "s/^(global|install|:env:)\.([a-z-]+)='(.*)'$/\2 \3/p" |
    while read -r key value; do
      for word in $value; do
        path=${word#file://}
        case $path in /*) ;; *) continue ;; esac
        if [ -f "$path" ]; then
          install -D -m 644 "$path" "$root/opt/machine$path"
          value=${value//"$word"/"/opt/machine$path"}
        elif folder=$(dirname "$path") && [ -d "$path" ]; then
          [ "$(basename "$path")" = simple ] && path=$folder # an index's files lie beside it
          echo "$path" >>"$work/folders"
        fi
      done
      echo "$key = $value"
    done | awk -F' = ' '{ last[$1] = $0 } END { for (key in last) print last[key] }'
} >"$root/etc/pip.conf"
sort -u -o "$work/folders" "$work/folders"

git -c safe.directory='*' clone -q . "$root/root/pywall"
mapfile -t proxies < <(env | grep -iE '^(https?|no)_proxy=')

# in namespaces of its own, so that no mount and no process outlives the command
run_inside() {
  root=$1 folders=$2
  shift 2
  mount --bind "$root" "$root" # container engines and `ip netns exec` want / to be a mount point
  mount --rbind /dev "$root/dev"
  mount -t sysfs sysfs "$root/sys"
  mount -t proc proc "$root/proc"
  while read -r folder; do
    mkdir -p "$root$folder"
    mount --bind -o ro "$folder" "$root$folder"
  done <"$folders"
  # no exec: the first process here is the parent of whatever is orphaned, and bash waits for such children
  env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2:$1}" \
    chroot "$root" sh -c 'cd /root/pywall && exec "$@"' sh "${@:$1 + 2}"
}
export -f run_inside
unshare --mount --pid --fork --kill-child --propagation private \
  bash -euo pipefail -c 'run_inside "$@"' bash "$root" "$work/folders" "${#proxies[@]}" "${proxies[@]}" "$@" </dev/null
