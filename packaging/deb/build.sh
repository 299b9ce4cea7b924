#!/usr/bin/env bash
# Makes dist/pywall_VERSION_ARCH.deb from the wheels in dist/: the firewall in a virtual environment of its own below
# /usr/lib/pywall, on this system's Python; systemd unit, man pages, completion, /etc/pywall/pywall.yaml.
# REVISION: the Debian revision (1).
set -euo pipefail
cd "$(dirname "$0")/../.."
source=packaging/deb
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
home=$root/usr/lib/pywall

ls dist/pywall_core-*.whl >/dev/null 2>&1 || { echo "deb: no wheels in dist/: run make wheels first" >&2; exit 1; }
"$python" -m venv --without-pip "$home"
.venv/bin/python -m pip -q --disable-pip-version-check --python "$home/bin/python" \
  install --no-compile --find-links dist 'pywall-core[all]' 2> >(grep -v '^WARNING: Location' >&2 || true)

# scripts and caches know where they will stand, and nothing else is left of this machine
rm -rf "$home"/bin/[Aa]ctivate* "$home/include"
find "$home/bin" -type f ! -name pywall -delete
sed -i "1s,^#!.*,#!/usr/lib/pywall/bin/python," "$home/bin/pywall"
sed -i '/^command/d' "$home/pyvenv.cfg"
"$home/bin/python" -m compileall -q -s "$root" --invalidation-mode unchecked-hash "$home/lib"

mkdir -p "$root/usr/bin" "$root/usr/lib/systemd/system" "$root/etc/pywall" "$root/usr/share/doc/pywall"
mkdir -p -m 700 "$root/var/log/pywall"
ln -s ../lib/pywall/bin/pywall "$root/usr/bin/pywall"
"$home/bin/python" -c 'from pywall_core.cli.systemd import unit
print(unit("/usr/bin/pywall", "/etc/pywall/pywall.yaml", None), end="")' >"$root/usr/lib/systemd/system/pywall.service"
"$home/bin/python" scripts/manpages.py "$root/usr/share/man/man8"
gzip -9n "$root"/usr/share/man/man8/*.8
complete() { "$home/bin/python" -m pywall_core completion "$1" | install -D -m 644 /dev/stdin "$root/usr/share/$2"; }
complete bash bash-completion/completions/pywall
complete zsh zsh/vendor-completions/_pywall
complete fish fish/vendor_completions.d/pywall.fish
install -m 644 $source/pywall.yaml "$root/etc/pywall/pywall.yaml"
install -m 644 LICENSE "$root/usr/share/doc/pywall/copyright"
install -D -m 644 packaging/fail2ban/pywall.conf "$root/usr/share/doc/pywall/fail2ban/pywall.conf"
install -m 644 CHANGELOG.md "$root/usr/share/doc/pywall/changelog.md"

version=$("$home/bin/python" -c 'import pywall_core; print(pywall_core.__version__)')-${REVISION:-1}
architecture=$(dpkg --print-architecture)
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: pywall
Version: $version
Architecture: $architecture
Maintainer: The PyWall developers <pywall@localhost>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: python3 (>= 3.$minor), python3 (<< 3.$((minor + 1))), libnetfilter-queue1, iptables, iproute2, conntrack, procps
Recommends: openssl
Section: net
Priority: optional
Description: firewall with plugins that names flows by content
 Takes packets from the kernel (NFQUEUE), names what each flow carries by
 content and not by port, and accepts, drops or rejects it by rules in YAML.
 .
 The service is not enabled by the installation: see /etc/pywall/pywall.yaml.
EOF
echo /etc/pywall/pywall.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 $source/$script "$root/DEBIAN/$script"; done
chmod -R u+rwX,go+rX,go-w "$root"
chmod 700 "$root/var/log/pywall"
rm -f dist/pywall_*.deb
dpkg-deb --root-owner-group -Zxz -z1 --build "$root" "dist/pywall_${version}_$architecture.deb" >/dev/null
echo "dist/pywall_${version}_$architecture.deb"
