"""Marks of others as their published rules have them: which bits they use, and which are left for us."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.kernel.foreign_marks import Use, choose, conflicts, rule_bits, statement_bits
from pywall_core.kernel.marks import DEFAULT_MASK

MARK, CT = {"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}


@pytest.mark.parametrize(
    ("rule", "bits"),
    [
        ("-A INPUT -p tcp -j ACCEPT", []),
        ("-A ts-input -m mark --mark 0x40000/0xff0000 -j ACCEPT", [0xFF0000]),  # Tailscale
        ("-A ts-forward -j MARK --set-xmark 0x40000/0xff0000", [0xFF0000]),
        ("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000", [0x4000]),  # kube-proxy
        ("-A mwan3_iface_in_wan -j MARK --set-xmark 0x100/0x3f00", [0x3F00]),  # mwan3
        ("-A cali-from-wl-dispatch -j MARK --set-xmark 0x0/0x10000", [0x10000]),  # Calico
        ("-A CILIUM_PRE_mangle -j MARK --set-xmark 0x200/0xffffffff", [0x200]),  # Cilium
        ("-A DOCKER-INGRESS -j MARK --set-xmark 0x101/0xffffffff", [0x101]),  # Docker swarm
        ("-A POSTROUTING -p udp -m mark --mark 0xca6c -j CONNMARK --save-mark", [0xCA6C]),  # wg-quick
        ("-A X -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00", [0xFF, 0xFF00]),
        ("-A X -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff", []),
    ],
)
def test_rules_of_iptables(rule: str, bits: list[int]) -> None:
    assert rule_bits(rule) == bits


@pytest.mark.parametrize(
    ("statement", "bits"),
    [
        ({"match": {"op": "==", "left": MARK, "right": 0xCA6C}}, 0xCA6C),
        ({"match": {"op": "==", "left": CT, "right": {"set": [1, 2, {"range": [16, 32]}]}}}, 0x33),
        ({"match": {"op": "==", "left": {"&": [MARK, 0xFF0000]}, "right": 0x40000}}, 0xFF0000),
        ({"mangle": {"key": MARK, "value": 0x100}}, 0x100),
        ({"mangle": {"key": CT, "value": MARK}}, 0),
        ({"mangle": {"key": MARK, "value": {"|": [{"&": [MARK, 0xFF00FFFF]}, 0x40000]}}}, 0xFF0000),
        ({"mangle": {"key": MARK, "value": {"&": [{"|": [MARK, 1]}, 0xFFFF00FF]}}}, 1),
        ({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, 0),
        ("accept", 0),
        ({"match": None}, 0),
    ],
)
def test_rules_of_nft(statement: Any, bits: int) -> None:
    assert statement_bits(statement) == bits


def mask_beside(*bits: int) -> int:
    return choose([Use(each, "somebody") for each in bits])


def test_the_default_is_taken_where_nobody_uses_it() -> None:
    assert mask_beside() == DEFAULT_MASK == mask_beside(0xFF, 0xFE000000)


@pytest.mark.parametrize(
    "bits", [[0xCA6C], [0x3F00], [0xFF0000], [0xC000], [0xCA6C, 0xFF0000], [0xFFFF0000], [0x1F00, 0x30]]
)
def test_another_place_is_taken_where_somebody_does(bits: list[int]) -> None:
    mask = mask_beside(*bits)
    used = 0
    for each in bits:
        used |= each
    assert not mask & used
    assert mask.bit_count() >= 15
    assert conflicts([Use(used, "somebody")], mask) == []


def test_neighbouring_bits_are_taken_where_there_are_some() -> None:
    assert mask_beside(0x3F00) == 0xFFFF8000


def test_without_room_the_conflict_is_named() -> None:
    use = Use(0xFFFFFF00, "somebody")
    assert choose([use]) == DEFAULT_MASK
    assert conflicts([use], DEFAULT_MASK) == [use]
