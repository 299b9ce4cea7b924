"""Marks of other programs in the kernel: never a verdict, never lost; and our rules, whatever others do to them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from pywall_core.kernel.marks import DEFAULT_MASK, Marks

NONE_IN = """
    version: 1
    queue: {number: 3}
    plugins: [rules]
    chains: {INPUT: [{rule: ip, src: 10.77.0.2, action: DROP}]}
    default: ACCEPT
    """
NONE_OUT = NONE_IN.replace("INPUT", "OUTPUT").replace("src", "dst")
ALL = """
    version: 1
    queue: {number: 3}
    plugins: [rules]
    default: ACCEPT
    mode: %s
    """
#: sends a datagram with each of the marks and prints which of them were answered
ECHO_MARKED = """
    host, port, marks = sys.argv[1], int(sys.argv[2]), [int(word, 16) for word in sys.argv[3].split(",")]
    answered = []
    for mark in marks:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 36, mark.to_bytes(4, sys.byteorder))
        s.settimeout(float(sys.argv[4]))
        try:
            for n in range(3):
                s.sendto(b"x", (host, port))
                s.recv(10)
            answered.append(hex(mark))
        except OSError:
            pass
    print(",".join(answered))
    """


def marks_of(lab: Any) -> Marks:
    """The marks of the running generation."""
    inode = lab.fw.run("stat -Lc %i /proc/self/ns/net").strip()
    return Marks.from_json(json.loads(Path(f"/run/pywall/{inode}/marks.json").read_text())[-1])


def answered(lab: Any, marks: list[int], timeout: float = 1.0, port: int = 7000) -> list[int]:
    words = lab.fw.ask(ECHO_MARKED, lab.PEER, port, ",".join(map(hex, marks)), timeout, timeout=120)
    return [int(word, 16) for word in words.split(",") if word]


def test_no_mark_of_a_socket_is_a_verdict(lab: Any, variant: str) -> None:
    lab.run(NONE_OUT, PYWALL_IPTABLES=variant)
    lab.peer.echo_server(7000, lab.PEER, "udp")
    m = marks_of(lab)
    kinds = m.mask & ~m.packet_ours.mask
    codes = [m.packet_ours.value | kind * (kinds & -kinds) for kind in range(8)]
    seed = random.Random(1)
    others = [seed.randrange(1 << 32) for _ in range(40)]
    restored = [m.accept_all.value, m.accept_original.value, m.begin(0).value]
    assert answered(lab, [*codes, *restored, *others, 0xCA6C, 0x100, 0x200, m.mask], 0.05) == []


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_marks_of_sockets_are_not_lost(lab: Any, variant: str, mode: str) -> None:
    """WireGuard's, mwan3's, Tailscale's: what leaves this host has the mark that its sender gave it."""
    marks = [0xCA6C, 0x100, 0x200, 0x40000, 0x80000, 0x4000, 0xFFFFFFFF]
    for mark in marks:
        lab.fw.run(
            f"iptables-{variant} -t mangle -A POSTROUTING -p udp --dport 7000 -m mark --mark {mark:#x} -j RETURN"
        )
    lab.fw.run(f"iptables-{variant} -t mangle -A POSTROUTING -p udp --dport 7000 -m mark ! --mark 0x0 -j DROP")
    lab.run((ALL % mode).replace("number: 3", f"number: 3, mark_mask: {DEFAULT_MASK:#x}"), PYWALL_IPTABLES=variant)
    lab.peer.echo_server(7000, lab.PEER, "udp")
    assert answered(lab, marks) == marks


RESTORING = {
    "iptables": "iptables-{v} -t mangle -A PREROUTING -j CONNMARK --restore-mark",
    "before ours": "iptables-{v} -t mangle -I INPUT 1 -j CONNMARK --restore-mark",
    "wg-quick": "nft add table ip wgq; nft 'add chain ip wgq pre {{ type filter hook prerouting priority -150; }}'; "
    "nft add rule ip wgq pre meta mark set ct mark",
    "mwan3": "iptables-{v} -t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00;"
    "iptables-{v} -t mangle -A PREROUTING -m mark --mark 0x0/0x3f00 -j MARK --set-xmark 0x100/0x3f00;"
    "iptables-{v} -t mangle -A PREROUTING -j CONNMARK --save-mark --nfmask 0x3f00 --ctmask 0x3f00",
    "saved": "iptables-{v} -t mangle -A PREROUTING -j CONNMARK --restore-mark;"
    "iptables-{v} -t mangle -A POSTROUTING -j CONNMARK --save-mark",
}


@pytest.mark.parametrize("rules", RESTORING)
@pytest.mark.parametrize("when", ["before", "after"])
def test_restored_connmarks_are_no_verdicts(lab: Any, variant: str, rules: str, when: str) -> None:
    if when == "before":
        lab.fw.run(RESTORING[rules].format(v=variant))
    lab.run(NONE_IN, PYWALL_IPTABLES=variant)
    if when == "after":
        lab.fw.run(RESTORING[rules].format(v=variant))
    lab.peer.echo_server(7000, lab.PEER, "udp")
    lab.peer.echo_server(7001, lab.PEER)
    assert answered(lab, [0, 0], 0.4) == []
    assert lab.fw.echo(lab.PEER, 7001, timeout=0.7) == "TimeoutError"


#: mark rules as these programs publish them
PROGRAMS = {
    "Tailscale": [
        "iptables -t mangle -A PREROUTING -m conntrack --ctstate ESTABLISHED,RELATED "
        "-j CONNMARK --restore-mark --nfmask 0xff0000 --ctmask 0xff0000",
        "iptables -t mangle -A OUTPUT -m conntrack --ctstate NEW -m mark ! --mark 0x0/0xff0000 "
        "-j CONNMARK --save-mark --nfmask 0xff0000 --ctmask 0xff0000",
        "iptables -A FORWARD -i tailscale0 -j MARK --set-xmark 0x40000/0xff0000",
        "ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main",
    ],
    "mwan3": [
        RESTORING["mwan3"].format(v="nft"),
        "ip rule add pref 2001 fwmark 0x100/0x3f00 lookup main",
        "ip rule add pref 2061 fwmark 0x3d00/0x3f00 blackhole",
    ],
    "kube-proxy": [
        "iptables -t nat -N KUBE-MARK-MASQ; iptables -t nat -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "iptables -N KUBE-FIREWALL; iptables -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP",
        "iptables -I OUTPUT -j KUBE-FIREWALL; iptables -I INPUT -j KUBE-FIREWALL",
    ],
    "Calico": [
        "iptables -A INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT",
        "iptables -t mangle -A PREROUTING -j MARK --set-xmark 0x0/0xf0000",
    ],
    "Cilium": [
        "iptables -t mangle -A PREROUTING -m mark --mark 0x200/0xf00 -j MARK --set-xmark 0x200/0xffffffff",
        "ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004",
    ],
    "Docker": ["iptables -t mangle -A OUTPUT -p tcp --dport 9999 -j MARK --set-mark 0x101"],
    "nft": [
        "nft add table inet other; nft 'add chain inet other out { type filter hook output priority -200; }'; "
        "nft add rule inet other out udp dport 7000 meta mark set 0x1234",
    ],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_use_marks_go_on_working(lab: Any, program: str) -> None:
    for command in PROGRAMS[program]:
        lab.fw.run(command)
    firewall = lab.run(NONE_IN)
    lab.peer.echo_server(7000, lab.PEER, "udp")
    assert answered(lab, [0], 0.4) == [], "dropped"
    assert "used by others" not in firewall.log()
    assert firewall.stop() == 0
    lab.run(ALL % "enforce")
    before = lab.fw.queued()[3]
    assert lab.fw.echo(lab.PEER, 7000, "udp", times=100) == "ok"
    assert lab.fw.queued()[3] - before < 20, "and still carried by the kernel"


@pytest.mark.skipif(
    not shutil.which("wg-quick") or not shutil.which("wireguard-go"), reason="needs wg-quick, wireguard-go"
)
@pytest.mark.parametrize("first", ["wg-quick", "pywall"])
def test_a_full_tunnel_of_wg_quick_works(lab: Any, first: str) -> None:
    keys = {}
    for end in ("a", "b"):
        private = lab.fw.run("wg genkey").strip()
        keys[end] = private, lab.fw.run(f"echo {private} | wg pubkey").strip()
    one, two = f"wa{lab.fw.name[-8:-3]}", f"wb{lab.fw.name[-8:-3]}"
    ours = lab.write(
        f"[Interface]\nPrivateKey = {keys['a'][0]}\nAddress = 10.55.0.1/24\n[Peer]\nPublicKey = {keys['b'][1]}\n"
        f"Endpoint = {lab.PEER}:51820\nAllowedIPs = 0.0.0.0/0\n",
        f"{one}.conf",
    )
    theirs = lab.write(
        f"[Interface]\nPrivateKey = {keys['b'][0]}\nListenPort = 51820\nAddress = 10.55.0.2/24\n"
        f"[Peer]\nPublicKey = {keys['a'][1]}\nAllowedIPs = 10.55.0.1/32\n",
        f"{two}.conf",
    )
    up = "WG_QUICK_USERSPACE_IMPLEMENTATION=$(command -v wireguard-go) wg-quick up {} >/dev/null 2>&1"
    try:
        lab.peer.run(up.format(theirs))
        if first == "pywall":
            lab.run(ALL % "enforce")
        lab.fw.run(up.format(ours))
        if first == "wg-quick":
            lab.run(ALL % "enforce")
        lab.peer.echo_server(7000, "10.55.0.2", "udp")
        lab.peer.echo_server(7001, "10.55.0.2")
        assert lab.fw.echo("10.55.0.2", 7000, "udp", times=50) == "ok"
        assert lab.fw.echo("10.55.0.2", 7001, times=50) == "ok"
    finally:
        lab.fw.run(f"wg-quick down {ours}", check=False)
        lab.peer.run(f"wg-quick down {theirs}", check=False)


CHANGES = {
    "queue flushed": ("iptables-{v} -t mangle -F PYWALL_QUEUE", "iptables mangle PYWALL_QUEUE"),
    "return first": ("iptables-{v} -t mangle -I PYWALL_INPUT 1 -j RETURN", "iptables mangle PYWALL_INPUT"),
    "take emptied": ("iptables-{v} -t mangle -F PYWALL_TAKE", "iptables mangle PYWALL_TAKE"),
    "a rule deleted": ("iptables-{v} -t mangle -D PYWALL_INPUT 2", "iptables mangle PYWALL_INPUT"),
    "accept before ours": ("iptables-{v} -t mangle -I INPUT 1 -j ACCEPT", "iptables mangle INPUT"),
    "reject emptied": ("iptables-{v} -F PYWALL_REJECT", "iptables filter PYWALL_REJECT"),
    "IPv6": ("ip6tables-{v} -t mangle -F PYWALL_QUEUE", "ip6tables mangle PYWALL_QUEUE"),
    "the guard": ("nft delete table inet pywall", "nft inet pywall"),
    "all of nft": ("nft flush ruleset", "nft inet pywall"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_our_rules_are_put_back_and_said(lab: Any, until: Any, variant: str, change: str) -> None:
    firewall = lab.run(NONE_IN, PYWALL_IPTABLES=variant)
    before = lab.fw.ruleset(variant)
    command, place = CHANGES[change]
    lab.fw.run(command.format(v=variant))
    until(lambda: "changed by somebody else" in firewall.log(), 5, "noticed")
    assert place in firewall.log()

    def restored() -> bool:
        now = lab.fw.ruleset(variant)
        return all(line in now for line in before.splitlines() if "PYWALL" in line or "pywall" in line)

    until(restored, 5, "restored")
    lab.peer.echo_server(7000, lab.PEER, "udp")
    assert answered(lab, [0], 0.4) == []


#: every value of the bits in a mask, one a datagram of the same socket, not faster than the queue takes them
SWEEP = """
    host, port, mask = sys.argv[1], int(sys.argv[2]), int(sys.argv[3], 16)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    value = 0
    for n in range(1 << mask.bit_count()):
        s.setsockopt(socket.SOL_SOCKET, 36, value.to_bytes(4, sys.byteorder))
        try:
            s.sendto(b"%x" % value, (host, port))
        except OSError:
            pass
        value = (value - mask) & mask
        if n % 32 == 31:
            while any(int(line.split()[2]) > 200 for line in open("/proc/self/net/netfilter/nfnetlink_queue")):
                time.sleep(0.002)
    print(n + 1)
    """
SINK = """
    import os
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", int(sys.argv[1])))
    s.settimeout(0.5)
    print("ready", flush=True)
    heard = set()
    while True:
        try:
            heard.add(s.recv(20).decode())
        except TimeoutError:
            if os.path.exists(sys.argv[2]):
                break
    print(",".join(sorted(heard)), flush=True)
    """
#: who else may have set a mark before our chain sees the packet, and how many values may then be codes of this start
SETTERS = {
    "SO_MARK": ("", 0),
    "nft": (
        "nft add table ip other; nft 'add chain ip other out {{ type filter hook output priority -160; }}'; "
        "nft add rule ip other out meta mark set meta mark",
        0,
    ),
    "iptables": ("iptables-{v} -t raw -A OUTPUT -p udp -j MARK --or-mark 0x0", 0),
    "connmark": ("iptables-{v} -t mangle -I OUTPUT 1 -p udp -j CONNMARK --save-mark", 8),
}


@pytest.mark.slow
@pytest.mark.parametrize("setter", SETTERS)
def test_no_value_of_all_the_bits_is_a_verdict(lab: Any, variant: str, setter: str) -> None:
    rules, at_most = SETTERS[setter]
    flag = lab.folder / "sent"
    sink = lab.peer.python(SINK, 7000, flag)
    assert sink.stdout.readline() == "ready\n"
    if rules:
        lab.fw.run(rules.format(v=variant))
    mask = f"number: 3, mark_mask: {DEFAULT_MASK:#x}"
    firewall = lab.run(NONE_OUT.replace("number: 3", mask), PYWALL_IPTABLES=variant)
    count = lab.fw.ask(SWEEP, lab.PEER, 7000, f"{DEFAULT_MASK:#x}", timeout=300)
    assert int(count) == 2**17
    counters = lab.fw.run("cat /proc/net/netfilter/nfnetlink_queue").split()
    assert counters[5:7] == ["0", "0"], "the queue lost none"
    flag.touch()
    passed = [word for word in sink.stdout.readline().strip().split(",") if word]
    assert len(passed) <= at_most, passed
    assert firewall.stop() == 0
