#!/usr/bin/env bash
# Builds the Containerfile in a system that is thrown away afterwards, and tries what it made: a replay, and live in a
# network namespace. An image registry is not needed: this minimal system itself stands for Debian's image. Run it in a
# clone, as root; `make test-container` does.
set -euo pipefail
cd "$(dirname "$0")/../.."
step() { echo "container: $*"; }
fail() { echo "container: FAILED: $*" >&2; exit 1; }
in_namespace() { nsenter --net=/run/netns/trial -- "$@"; }
wait_until() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; fail "not within 30 s: $*"; }
holds_packets() { [[ "$(in_namespace iptables-save)" == *NFQUEUE* ]]; }

step "buildah"
apt() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends "$@" >/dev/null; }
apt-get update -qq
apt install buildah netavark iproute2 iptables
export BUILDAH_ISOLATION=chroot # no init system is at hand
# the engine would raise limits, which a machine may forbid
limits=("--ulimit=nofile=$(ulimit -Sn):$(ulimit -Hn)" "--ulimit=nproc=$(ulimit -Su):$(ulimit -Hu)")

step "Debian's image: this system, less what the image lacks"
mapfile -t folders < <(awk '$4 ~ /^ro/ && $2 !~ "^/(dev|proc|sys)" { print $2 }' /proc/mounts) # where pip finds packages
base=$(buildah from scratch)
image=$(buildah mount "$base")
tar -C / --one-file-system --exclude=./root --exclude=./tmp --exclude=./var/lib/containers "${folders[@]/#/--exclude=.}" -cf - . |
  tar -C "$image" -xf -
install -d -m 700 "$image/root"
install -d -m 1777 "$image/tmp"
DEBIAN_FRONTEND=noninteractive chroot "$image" apt-get purge -y -qq --autoremove make git 'python3*' buildah iproute2 iptables >/dev/null
[ ! -e "$image/usr/bin/python3" ] || fail "Python is in the image already"
buildah umount "$base" >/dev/null
buildah commit -q --rm "$base" "$(awk '$1 == "FROM" { print $2; exit }' packaging/Containerfile)" >/dev/null

step "build"
volumes=()
for folder in "${folders[@]}"; do volumes+=("--volume=$folder:$folder:ro"); done
buildah build --pull-never --layers=false -t pywall "${limits[@]}" "${volumes[@]}" -f packaging/Containerfile . >/tmp/build 2>&1 ||
  { tail -30 /tmp/build >&2; fail "the build"; }

step "replay"
container=$(buildah from --pull-never "${limits[@]}" pywall)
inside() { buildah run --volume "$PWD/tests/data:/data:ro" "$container" -- pywall "$@"; }
inside --version
[[ "$(inside replay /data/tls12.pcap)" == *" tls "* ]] || fail "the replay names no TLS"
buildah run "$container" -- sh -c 'find / -xdev -name "*.so" | grep -q pywall_core/' || fail "it is not compiled"

step "live in a namespace"
ip netns add trial
trap 'ip netns del trial' EXIT
in_namespace ip link set lo up
in_namespace buildah run --cap-add CAP_NET_ADMIN --volume "$PWD/packaging/deb:/etc/pywall:ro" "$container" -- \
  timeout --signal=INT 30 pywall run --config /etc/pywall/pywall.yaml &
wait_until holds_packets
wait $! || [ $? = 124 ] || fail "it ended with code $?"
! holds_packets || fail "its rules are still there"
buildah run "$container" -- test -e /var/log/pywall/eve.json || fail "no events"
step "all passed"
