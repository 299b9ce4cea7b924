"""Everyday programs at a host behind a ready-made policy, and the servers that they talk to.

``net`` is everything outside, with an address on the local network and one on the internet; ``fw`` is the host with the
policy; ``box`` is a container on a bridge of the host, as Docker makes it. For a policy of a router the clients run in
``box``, and nothing is translated.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pywall_core.testing.certificates import make_certificate

from .conftest import Lab, Namespace, wait_until

#: what a mosh session shows: some 8 KiB in two seconds, enough to be classified
TYPING = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; head -c 600 /dev/urandom | base64; done; sleep 0.5; echo END"
#: address of ``net`` on the internet; on the local network it has ``Lab.PEER``
FAR = "203.0.113.2"
BOX = "172.17.0.2"
NET_SCRIPTS = Path(__file__).with_name("everyday_scripts.py")
PROGRAMS = (
    *("dnsmasq", "dhclient", "dig", "vsftpd", "nft", "chronyd", "ntpdig", "curl", "upnpc", "sipp", "mosh-server"),
    *("mosh-client", "script", "wg", "wireguard-go", "sshd", "ssh", "openssl"),
)
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
LOCALE = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}


def missing() -> list[str]:
    """Return the programs that are not installed (``scripts/setup.sh dev`` installs them)."""
    return [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]


class Everyday:
    """A lab with all servers running; ``client`` is where the clients run."""

    def __init__(self, lab: Lab, *, routed: bool) -> None:
        self.lab = lab
        self.fw, self.net, self.folder = lab.fw, lab.peer, lab.folder
        self.box = lab.add_namespace("box")
        self.routed = routed
        self.client = self.box if routed else self.fw
        self.address = BOX if routed else lab.FW
        self.link = "box0" if routed else "fw0"
        self._cable()
        self._serve()

    def _cable(self) -> None:
        run = self.fw.run
        run("ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
        run(f"ip link add vbox type veth peer name box0 netns {self.box.name}; ip link set vbox master docker0 up")
        self.box.run(f"ip addr add {BOX}/16 dev box0; ip link set box0 up; ip route add default via 172.17.0.1")
        run("sysctl -q net.ipv4.ip_forward=1; ip route add default via 10.77.0.2")
        self.net.run(f"ip addr add {FAR}/32 dev peer0; ip route add 172.17.0.0/16 via 10.77.0.1")
        self.fw.run("ip route add 224.0.0.0/4 dev fw0")
        self.net.run("ip route add 224.0.0.0/4 dev peer0")
        behind_ours = "{ type filter hook input priority 100; }"
        self.client.run(f"nft add table inet heard; nft 'add chain inet heard sound {behind_ours}'")
        self.client.run("nft add rule inet heard sound udp sport 6000 counter")
        if not self.routed:
            run("iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")
            run(f"iptables -t nat -A PREROUTING -i fw0 -p tcp --dport 8080 -j DNAT --to {BOX}:443")

    def _serve(self) -> None:
        folder, net = self.folder, self.net
        make_certificate(self.folder, "a.example")
        self._ssh_server()
        (folder / "chrony.conf").write_text(
            f"local stratum 5\nallow\nbindcmdaddress {folder}/chrony.sock\npidfile {folder}/chrony.pid\n"
        )
        net.start("chronyd", "-x", "-d", "-u", "root", "-f", str(folder / "chrony.conf"), **QUIET)
        words = (
            f"dnsmasq -k --no-hosts --no-resolv --address=/#/{FAR} --interface=peer0 --user=root --pid-file= "
            "--conf-file=/dev/null "
            f"--dhcp-range=10.77.0.100,10.77.0.200 --dhcp-range=fd77::100,fd77::200,64 "
            f"--dhcp-leasefile={folder}/leases --log-dhcp --log-facility={folder}/dnsmasq.log"
        )
        net.start(*words.split(), **QUIET)
        for namespace, what in (
            (net, "web"),
            (self.fw, "web"),
            (self.box, "web"),
            (net, "mdns"),
            (net, "ssdp"),
            (net, "game"),
        ):
            self.script(namespace, what, self.lab.PEER, folder)
        self._ftp_server()
        words = f"sipp -sn uas -i {self.lab.PEER} -p 5060 -rtp_echo -mp 6000 -nostdin".split()
        net.start(*words, **QUIET, cwd=folder)
        self._wireguard_server(net, "ws", 51820, "10.55.0.1")
        self._wireguard_server(self.fw, "wf", 51821, "10.56.0.1")

    def script(self, namespace: Namespace, *words: object) -> subprocess.Popen[str]:
        """Start a server of ours and wait until it is ready."""
        process = namespace.start(
            sys.executable, str(NET_SCRIPTS), *map(str, words), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", words
        return process

    def _ssh_server(self) -> None:
        folder = self.folder
        for name in ("host", "user"):
            self.fw.run(f"ssh-keygen -q -t ed25519 -N '' -f {folder}/{name}")
        config = folder / "sshd_config"
        config.write_text(
            f"HostKey {folder}/host\nPidFile none\nStrictModes no\nUsePAM no\nMaxStartups 100\n"
            f"PermitRootLogin yes\nAuthorizedKeysFile {folder}/user.pub\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        for namespace in (self.fw, self.net):
            namespace.start("/usr/sbin/sshd", "-D", "-f", str(config), **QUIET)
            wait_until(lambda namespace=namespace: ":22 " in namespace.run("ss -lnt"), what="sshd")

    def _ftp_server(self) -> None:
        files = self.folder / "ftp"
        files.mkdir(mode=0o755)
        (files / "file").write_bytes(b"a line of a file\r\n" * 5000)
        config = self.folder / "vsftpd.conf"
        config.write_text(
            f"listen=YES\nanonymous_enable=YES\nanon_root={files}\nseccomp_sandbox=NO\nxferlog_enable=NO\n"
            f"secure_chroot_dir={files}\nftp_username=daemon\nbackground=NO\n"
        )
        config.chmod(0o600)
        self.net.start("vsftpd", str(config), **QUIET)
        wait_until(lambda: ":21 " in self.net.run("ss -lnt"), what="vsftpd")

    def _wireguard_server(self, namespace: Namespace, name: str, port: int, ours: str) -> None:
        """A tunnel that takes one client; its keys are files beside the lab's."""
        for end in ("server", "client"):
            namespace.run(
                f"cd {self.folder}; umask 77; wg genkey > {name}.{end}; wg pubkey < {name}.{end} > {name}.{end}.pub"
            )
        device = wireguard_device(namespace, name)
        peer = (self.folder / f"{name}.client.pub").read_text().strip()
        namespace.run(
            f"wg set {device} listen-port {port} private-key {self.folder}/{name}.server peer {peer} "
            f"allowed-ips 10.0.0.0/8; "
            f"ip addr add {ours}/24 dev {device}; ip link set {device} up"
        )


def wireguard_device(namespace: Namespace, name: str) -> str:
    """Make a device of wireguard-go. Its control socket is named after it, on the machine: so is the lab's number.

    It is waited for without ``wg show interfaces``, which deletes all sockets that do not listen yet (wireguard-tools,
    src/ipc-uapi-unix.h): those of tests beside this one too.
    """
    device = f"{name}{namespace.name.rpartition('-')[0][3:]}"[-15:].lstrip("-").replace("-", "")
    namespace.start("wireguard-go", "-f", device, env={**os.environ, "WG_PROCESS_FOREGROUND": "1"}, **QUIET)
    listening = re.compile(rf"^\S+ \S+ \S+ 00010000 .*/{device}\.sock$", re.MULTILINE)  # __SO_ACCEPTCON
    wait_until(lambda: listening.search(namespace.run("cat /proc/net/unix")), what="wireguard-go")
    return device


# --- what the host begins ---------------------------------------------------------------------------------------------
def _curl(at: str, url: str, *words: str) -> Callable[[Everyday], bool]:
    def run(lab: Everyday) -> bool:
        namespace: Namespace = getattr(lab, at)
        return succeeds(namespace, "curl", "-sSfk", "-m", "3", "-o", "/dev/null", *words, url.format(**names(lab)))

    return run


def names(lab: Everyday) -> dict[str, object]:
    """Return what a command line may name."""
    return {"far": FAR, "near": lab.lab.PEER, "own": lab.lab.FW, "folder": lab.folder, "link": lab.link, "box": BOX}


def succeeds(namespace: Namespace, *words: str, timeout: float = 8, **options: Any) -> bool:
    """Return whether a program ends well in its time."""
    command = namespace.command("timeout", str(timeout), *words)
    return (
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, **options).returncode == 0
    )


def dhcp_renewal(lab: Everyday) -> bool:
    """A lease is got by a raw socket, beside any firewall, and renewed after a second by UDP, through the firewall."""
    log, script = lab.folder / "dnsmasq.log", lab.folder / "set-address"
    script.write_text('#!/bin/sh\n[ -z "$new_ip_address" ] || ip addr add $new_ip_address/24 dev $interface\nexit 0\n')
    script.chmod(0o755)
    options = lab.folder / "dhclient.conf"
    options.write_text("supersede dhcp-renewal-time 1;\nsupersede dhcp-rebinding-time 100;\n")
    words = f"dhclient -4 -1 -d -sf {script} -cf {options} -lf {lab.folder}/v4 -pf {lab.folder}/pid4 {lab.link}"
    process = lab.client.start(*words.split(), **QUIET)
    try:
        return becomes(lambda: log.read_text().count("DHCPACK") > 2, 8)
    finally:
        process.terminate()


def dhcpv6(lab: Everyday) -> bool:
    leases = lab.folder / f"v6-{time.monotonic_ns()}"
    words = f"dhclient -6 -1 -d -sf /bin/true -lf {leases} -pf {lab.folder}/pid6 {lab.link}"
    process = lab.client.start(*words.split(), **QUIET)
    try:
        return becomes(lambda: leases.exists() and "iaaddr" in leases.read_text(), 6)
    finally:
        process.terminate()


def becomes(condition: Callable[[], object], timeout: float) -> bool:
    """Return whether a condition comes true in time."""
    with contextlib.suppress(AssertionError):
        wait_until(condition, timeout)
        return True
    return False


def mdns(lab: Everyday) -> bool:
    return succeeds(lab.client, sys.executable, str(NET_SCRIPTS), "browse", lab.address, str(lab.folder))


def ssdp(lab: Everyday) -> bool:
    done = lab.client.run(f"timeout 8 upnpc -m {lab.link} -l", check=False)
    return "rootDesc.xml" in done


def ntp(lab: Everyday) -> bool:
    return succeeds(lab.client, "ntpdig", "-t", "2", FAR)


def dns(name: str, lab: Everyday) -> bool:
    return FAR in lab.client.run(f"dig +short +tries=1 +time=2 @{FAR} {name}", check=False).split()


def game(lab: Everyday) -> bool:
    return succeeds(lab.client, sys.executable, str(NET_SCRIPTS), "play", lab.lab.PEER, str(lab.folder))


def voip(lab: Everyday) -> bool:
    """A call of a second with sound both ways, by SIPp; a rule counts the sound that comes back."""
    scenario = lab.folder / "call.xml"
    (lab.folder / "sound.raw").write_bytes(bytes(range(128, 256)) * 80)
    scenario.write_text(Path(__file__).with_name("call.xml").read_text())
    words = f"sipp {lab.lab.PEER}:5060 -sf {scenario} -m 1 -i {lab.address} -mp 6200 -p 5070 -nostdin"
    words += " -timeout 6 -timeout_error"
    ended = succeeds(lab.client, *words.split(), cwd=lab.folder)
    counted = re.search(r"counter packets (\d+)", lab.client.run("nft list table inet heard"))
    return ended and counted is not None and int(counted[1]) > 10


def mosh(server: str, client: str, address: str, lab: Everyday) -> bool:
    """A session of two seconds; the key goes beside it, as ssh would carry it."""
    at, where = getattr(lab, server), address.format(**names(lab))
    port = str(60_000 + time.monotonic_ns() % 900)
    words = [
        "mosh-server",
        "new",
        "-i",
        "0.0.0.0",
        "-p",
        port,
        "--",
        "sh",
        "-c",
        TYPING,
    ]
    said = subprocess.run(
        at.command(*words), capture_output=True, text=True, timeout=10, check=False, env=LOCALE
    ).stdout
    key = next(line for line in said.splitlines() if line.startswith("MOSH CONNECT")).split()[3]
    line = ["timeout", "5", "script", "-qefc", f"stty rows 50 cols 80; mosh-client {where} {port}", "/dev/null"]
    environment = {**LOCALE, "MOSH_KEY": key}
    process = getattr(lab, client).start(
        *line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert process.stdout is not None
    return "END" in process.stdout.read()  # its input stays open as long


def wireguard(tunnel: str, client: str, server: str, port: int, inside: str, lab: Everyday) -> bool:
    """Twenty pings of 1000 bytes through a tunnel that begins with its handshake."""
    namespace: Namespace = getattr(lab, client)
    name = f"c{tunnel[1]}"
    device = wireguard_device(namespace, name)
    peer = (lab.folder / f"{tunnel}.server.pub").read_text().strip()
    network = inside.rpartition(".")[0]
    namespace.run(
        f"wg set {device} private-key {lab.folder}/{tunnel}.client peer {peer} "
        f"endpoint {server.format(**names(lab))}:{port} allowed-ips {network}.0/24; "
        f"ip addr add {network}.9/24 dev {device}; ip link set {device} up"
    )
    try:
        return succeeds(namespace, "ping", "-q", "-c", "20", "-i", "0.02", "-s", "1000", "-w", "3", inside)
    finally:
        namespace.run(f"ip link del {device}")


def ssh(address: str, lab: Everyday) -> bool:
    options = [
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
        "-o",
        "ConnectTimeout=3",
    ]
    words = [
        "ssh",
        "-b",
        address.format(**names(lab)),
        "-i",
        f"{lab.folder}/user",
        *options,
        f"root@{lab.lab.FW}",
        "true",
    ]
    return succeeds(lab.net, *words)


def mdns_in(lab: Everyday) -> bool:
    """A question to the group, from outside, reaches a listener on the host."""
    return succeeds(lab.net, sys.executable, str(NET_SCRIPTS), "ask", lab.lab.PEER, str(lab.folder))


#: what the pages of the policies call it, and what does it
OUTGOING: dict[str, Callable[[Everyday], bool]] = {
    "DHCP lease renewed (dhclient)": dhcp_renewal,
    "DHCPv6 (dhclient)": dhcpv6,
    "mDNS browsing (zeroconf)": mdns,
    "SSDP search (upnpc)": ssdp,
    "NTP (ntpdig)": ntp,
    "DNS, www.example.com (dig)": partial(dns, "www.example.com"),
    "DNS, another name (dig)": partial(dns, "www.example.net"),
    "HTTPS, www.example.com (curl)": _curl(
        "client", "https://www.example.com/", "--resolve", f"www.example.com:443:{FAR}"
    ),
    "HTTPS, another name (curl)": _curl(
        "client", "https://www.example.net/", "--resolve", f"www.example.net:443:{FAR}"
    ),
    "FTP, passive (curl)": _curl("client", "ftp://{near}/file"),
    "FTP, active (curl)": _curl("client", "ftp://{near}/file", "-P", "-"),
    "WireGuard (wireguard-go)": partial(wireguard, "ws", "client", "{near}", 51820, "10.55.0.1"),
    "mosh session": partial(mosh, "net", "client", "{near}"),
    "game over UDP (Source engine)": game,
    "VoIP call with sound (SIPp)": voip,
}
INCOMING: dict[str, Callable[[Everyday], bool]] = {
    "SSH from the local network": partial(ssh, "{near}"),
    "SSH from the internet": partial(ssh, "{far}"),
    "HTTPS server": _curl("net", "https://{own}/", "--interface", FAR),
    "WireGuard server": partial(wireguard, "wf", "net", "{own}", 51821, "10.56.0.1"),
    "mosh server": partial(mosh, "fw", "net", "{own}"),
    "HTTPS from a container (Docker's bridge)": _curl("box", "https://{far}/"),
    "published port of a container": _curl("net", "https://{own}:8080/", "--interface", FAR),
}
#: what a router's policy sees: nothing that stays on one network, and no NAT in this lab
ROUTED = [name for name in OUTGOING if not name.startswith(("DHCP", "mDNS", "SSDP"))]
