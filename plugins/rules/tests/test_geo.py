"""``geo`` and ``asn`` over a MaxMind DB file of three networks, written here (MMDB format 2.0)."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pywall_rules.geo import Asn, Geo

from pywall_core.api import NO, YES, Answer, decode
from pywall_core.testing import make_flow, rule_contract, tcp_packet
from pywall_core.testing.host import FakeHost

pytest.importorskip("maxminddb")

NETWORKS: dict[str, dict[str, Any]] = {
    "192.0.2.0/24": {"country": {"iso_code": "DE"}, "autonomous_system_number": 64500},
    "198.51.100.0/24": {"country": {"iso_code": "AT"}, "autonomous_system_number": 64501},
    "2001:db8::/32": {"registered_country": {"iso_code": "DE"}, "autonomous_system_number": 64500},
}


def encoded(value: Any) -> bytes:
    """A value in the data section's format: maps, texts and unsigned numbers."""
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    if isinstance(value, list):
        return bytes((len(value), 11 - 7)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    raw = value.to_bytes((value.bit_length() + 7) // 8)
    return _control(6, len(raw)) + raw


def _control(kind: int, size: int) -> bytes:
    assert size < 29
    return bytes((kind << 5 | size,))


def database(file: Path) -> str:
    """Write the tree (24-bit records, IPv4 below ::/96), the data and the metadata."""
    nodes: list[list[Any]] = [[None, None]]
    data, offsets = b"", {}
    for text, record in NETWORKS.items():
        offsets[text] = len(data)
        data += encoded(record)
        network = ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        if network.version == 4:
            bits = "0" * 96 + bits
        at = 0
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        nodes[at][int(bits[-1])] = text
    count = len(nodes)
    tree = b"".join(
        (count if side is None else side if isinstance(side, int) else count + 16 + offsets[side]).to_bytes(3)
        for node in nodes
        for side in node
    )
    metadata = {
        "node_count": count, "record_size": 24, "ip_version": 6, "database_type": "Test", "languages": ["en"],
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1,
        "description": {"en": "t"},
    }  # fmt: skip
    file.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))
    return str(file)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return database(tmp_path_factory.mktemp("geo") / "test.mmdb")


def answer(rule: Any, source: str, target: str) -> Answer:
    packet = decode(tcp_packet(source, 1, target, 2, seq=0))
    host: Any = FakeHost()
    return rule.compile(host)(packet, make_flow(packet))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("parameters", "source", "target", "expected"),
    [
        ({"src": "DE"}, "192.0.2.7", "10.0.0.1", YES),
        ({"src": ["AT", "FR"]}, "192.0.2.7", "10.0.0.1", NO),
        ({"dst": "AT"}, "10.0.0.1", "198.51.100.9", YES),
        ({"src": "DE", "dst": "AT"}, "192.0.2.7", "198.51.100.9", YES),
        ({"src": "DE", "dst": "AT"}, "192.0.2.7", "10.0.0.1", NO),
        ({"src": "DE"}, "2001:db8::1", "2001:db9::1", YES),
        ({"src": "DE"}, "203.0.113.1", "10.0.0.1", NO),
    ],
)
def test_countries(file: str, parameters: dict[str, Any], source: str, target: str, expected: Answer) -> None:
    assert answer(Geo.model_validate({**parameters, "database": file}), source, target) is expected


def test_autonomous_systems(file: str) -> None:
    rule = Asn.model_validate({"src": [64500, 1], "database": file})
    assert answer(rule, "192.0.2.7", "10.0.0.1") is YES
    assert answer(rule, "198.51.100.7", "10.0.0.1") is NO


def test_mistakes(file: str, tmp_path: Path) -> None:
    (tmp_path / "x.mmdb").write_text("nonsense")
    for wrong, words in (
        ({"src": "Germany", "database": file}, "write its two capital letters"),
        ({"database": file}, "'src' or 'dst' is missing"),
        ({"src": "DE", "database": str(tmp_path / "absent")}, "cannot be read"),
        ({"src": "DE", "database": str(tmp_path / "x.mmdb")}, "no MaxMind DB file"),
    ):
        with pytest.raises(ValidationError, match=words):
            Geo.model_validate(wrong)


def test_contract(file: str) -> None:
    for kind, parameters in ((Geo, {"src": "DE", "database": file}), (Asn, {"dst": 64500, "database": file})):
        contract = rule_contract(kind, [parameters], examples=20)()
        for name in dir(contract):
            if name.startswith("test_"):
                getattr(contract, name)()
