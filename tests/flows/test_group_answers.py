"""Answers to what this host asked by multicast or broadcast: let in by a rule, at the asking port, for a while."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from pywall_core.api import ACCEPT, INPUT, OUTPUT, Verdict, decode
from pywall_core.flows.expectations import GROUP_LIFETIME, MAX_EXPECTATIONS
from pywall_core.kernel.broadcasts import broadcasts
from pywall_core.testing import InMemory, engine, udp_packet

ME, DEVICE = "192.0.2.1", "192.0.2.77"
RULE = "{rule: flow, expected: group-answer, action: ACCEPT}"
POLICY = f"""
version: 1
plugins: [rules]
chains:
  INPUT:
    - {{rule: flow, initiator: local, action: ACCEPT}}
    - {RULE}
default: {{INPUT: DROP, OUTPUT: ACCEPT}}
"""
#: who asks, from which port, which group, and who answers from which port
EXCHANGES = {
    "mDNS, one shot": (ME, 40000, "224.0.0.251", 5353, DEVICE, 5353),
    "mDNS, IPv6": ("fe80::1", 40000, "ff02::fb", 5353, "fe80::77", 5353),
    "SSDP from another port": (ME, 40001, "239.255.255.250", 1900, DEVICE, 50123),
    "WS-Discovery": (ME, 40002, "239.255.255.250", 3702, DEVICE, 3702),
    "DHCPv6": ("fe80::1", 546, "ff02::1:2", 547, "fe80::77", 547),
    "LLMNR": (ME, 40003, "224.0.0.252", 5355, DEVICE, 5355),
    "NetBIOS by the network's broadcast": (ME, 137, "192.0.2.255", 137, DEVICE, 137),
    "all ones": (ME, 40004, "255.255.255.255", 10001, DEVICE, 10001),
}


def lab_of(policy: str = POLICY) -> InMemory:
    lab = engine(policy)
    lab.engine.expectations.broadcasts = frozenset({bytes([192, 0, 2, 255])})
    return lab


def sent(lab: InMemory, hook: int, ends: tuple[str, int, str, int], now: float = 100.0, data: bytes = b"x") -> Verdict:
    (verdict,) = lab.send([decode(udp_packet(*ends, data), now, hook)])
    return verdict


def answered(lab: InMemory, ends: tuple[str, int, str, int], now: float = 100.5) -> bool:
    return sent(lab, INPUT, ends, now).action is ACCEPT


@pytest.mark.parametrize("name", EXCHANGES)
def test_answers_to_what_this_host_asked_come_in(name: str) -> None:
    me, port, group, group_port, device, device_port = EXCHANGES[name]
    lab = lab_of()
    assert not answered(lab, ("192.0.2.66", 9, "192.0.2.1", 9)), "nothing was asked yet"
    sent(lab, OUTPUT, (me, port, group, group_port))
    other = device[:-1] + "8"
    assert answered(lab, (device, device_port, me, port))
    assert answered(lab, (other, device_port, me, port)), "the whole group may answer"
    assert not answered(lab, (device, device_port, me, port + 1)), "at the asking port alone"


def test_a_host_without_an_address_gets_one() -> None:
    lab = lab_of()
    sent(lab, OUTPUT, ("0.0.0.0", 68, "255.255.255.255", 67))
    assert answered(lab, (DEVICE, 67, "255.255.255.255", 68))
    assert answered(lab, ("192.0.2.78", 67, "192.0.2.1", 68))
    assert not answered(lab, (DEVICE, 67, ME, 69))


def test_questions_hold_for_a_while_and_each_one_counts() -> None:
    lab = lab_of()
    for now in range(0, 60, 5):
        sent(lab, OUTPUT, (ME, 40000, "239.255.255.250", 1900), float(now))
    assert answered(lab, (DEVICE, 1900, ME, 40000), 56.0)
    assert not answered(lab, ("192.0.2.78", 1900, ME, 40000), 56.0 + GROUP_LIFETIME)


@pytest.mark.parametrize(
    ("hook", "ends"),
    [
        pytest.param(INPUT, ("192.0.2.66", 40000, "239.255.255.250", 1900), id="somebody else's question"),
        pytest.param(INPUT, (ME, 40000, "239.255.255.250", 1900), id="a question in our name"),
        pytest.param(OUTPUT, (ME, 40000, "203.0.113.1", 1900), id="a question to one host"),
    ],
)
def test_only_this_hosts_questions_to_many_count(hook: int, ends: tuple[str, int, str, int]) -> None:
    lab = lab_of()
    sent(lab, hook, ends)
    assert not answered(lab, (DEVICE, 1900, ME, 40000))


def test_a_question_that_the_policy_drops_opens_nothing() -> None:
    lab = lab_of(POLICY.replace("OUTPUT: ACCEPT", "OUTPUT: DROP"))
    sent(lab, OUTPUT, (ME, 40000, "239.255.255.250", 1900))
    assert not answered(lab, (DEVICE, 1900, ME, 40000))


def test_without_the_rule_nothing_is_noted_and_the_kernel_carries_the_flow() -> None:
    lab = lab_of(POLICY.replace(f"    - {RULE}\n", ""))
    packet = decode(udp_packet(ME, 40000, "239.255.255.250", 1900, b"x"), 100.0, OUTPUT)
    assert lab.engine.offloadable(packet, lab.send([packet])[0])
    assert not lab.engine.expectations
    lab = lab_of()
    assert not lab.engine.offloadable(packet, lab.send([packet])[0])


def test_questions_are_bounded() -> None:
    lab = lab_of()
    for n in range(MAX_EXPECTATIONS + 100):
        sent(lab, OUTPUT, (ME, 1024 + n, "239.255.255.250", 1900))
    assert len(lab.engine.expectations) == MAX_EXPECTATIONS


def test_workers_share_what_they_expect_and_believe_nothing_else() -> None:
    asking, answering = lab_of(), lab_of()
    told: list[object] = []
    asking.engine.expectations.share = told.append
    sent(asking, OUTPUT, (ME, 40000, "239.255.255.250", 1900))
    for entry in (*told, None, [], ["x"] * 6, [17, "zz", 1, "", "x", 1e9], {"a": 1}):
        answering.engine.expectations.take_shared(entry, 100.0)
    assert answered(answering, (DEVICE, 1900, ME, 40000))
    assert len(answering.engine.expectations) == 1
    heir = lab_of()
    heir.engine.kept_state.load(asking.engine.kept_state.save())
    assert len(heir.engine.expectations) == 1


@pytest.mark.parametrize("name", ["host-firewall", "server", "home", "kiosk", "allow-known"])
def test_the_ready_made_policies_let_a_host_get_its_address(name: str) -> None:
    lab = lab_of(resources.files("pywall_core.policies").joinpath(f"{name}.yaml").read_text())
    discover = bytes([1, 1, 6, 0]) + bytes(24) + b"\2\0\0\0\0\1" + bytes(202) + bytes.fromhex("63825363350101ff")
    offer = b"\2" + discover[1:242] + b"\2" + discover[243:]
    assert sent(lab, OUTPUT, ("0.0.0.0", 68, "255.255.255.255", 67), 100.0, discover).action is ACCEPT
    assert sent(lab, INPUT, (DEVICE, 67, "255.255.255.255", 68), 100.2, offer).action is ACCEPT
    solicit, advertise = (kind + bytes.fromhex("123456 0001 000a 00030001020000000001") for kind in (b"\1", b"\2"))
    assert sent(lab, OUTPUT, ("fe80::1", 546, "ff02::1:2", 547), 101.0, solicit).action is ACCEPT
    assert sent(lab, INPUT, ("fe80::77", 547, "fe80::1", 546), 101.2, advertise).action is ACCEPT


def test_broadcast_addresses_are_those_of_the_routing_table(tmp_path: Path) -> None:
    table = tmp_path / "fib_trie"
    table.write_text(
        "Local:\n  +-- 192.0.2.0/24 2 0 2\n        |-- 192.0.2.2\n           /32 host LOCAL\n"
        "     |-- 192.0.2.255\n        /32 link BROADCAST\n"
    )
    assert broadcasts(table) == {bytes([192, 0, 2, 255])}
    assert broadcasts(table.with_name("none")) == frozenset()
