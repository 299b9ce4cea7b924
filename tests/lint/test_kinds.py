"""What rule kinds find suspicious about their own parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import findings, policy


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{rule: iface, in: eth99, action: DROP}", (5, "W011")),
        ("{not: {rule: iface, in: [eth0, 'wg*']}, action: DROP}", (5, "W011")),
        ("{rule: ip, src: 10.0.0.1/24, action: DROP}", (5, "W012")),
        ("{all: [{rule: ip, src: [10.0.0.0/24, '2001:db8::1/32']}, {rule: port, dst: 22}], action: DROP}", (5, "W012")),
        ("{rule: ip, src: 192.168.1.0, action: DROP}", (5, "W012")),
        ("{rule: ip, dst: [10.0.0.1, '2001:db8::'], action: DROP}", (5, "W012")),
    ],
)  # fmt: skip
def test_parameters_that_match_nothing_or_too_much(tmp_path: Path, rules: str, expected: tuple[int, str]) -> None:
    found = findings(policy(tmp_path, rules))
    assert expected in [(line, code) for line, code, _ in found], found


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.0", "192.168.1.0/24"),
        ("172.16.0.0", "172.16.0.0/16"),
        ("10.0.0.0", "10.0.0.0/8"),
        ("'2001:db8::'", "2001:db8::/64"),
        ("192.168.1.10", ""),
        ("192.168.1.0/32", ""),
        ("'2001:db8::1'", ""),
        ("'2001:db8::/128'", ""),
        ("'@lan'", ""),
    ],
)
def test_an_address_that_ends_as_a_network_does(tmp_path: Path, address: str, network: str) -> None:
    file = tmp_path / "p.yaml"
    rule = f"{{rule: ip, src: {address}, action: DROP}}"
    file.write_text(f"version: 1\nplugins: [rules]\nsets: {{lan: {{}}}}\nchains:\n  INPUT:\n    - {rule}\n")
    said = [text for _, code, text in findings(file) if code == "W012"]
    assert len(said) == bool(network)
    assert all(f"write {network} for the network" in text for text in said)


@pytest.mark.parametrize(
    ("rest", "codes"),
    [
        ("  OUTPUT:\n    - {rule: iface, out: lo, action: inner}\n", []),
        ("  INPUT:\n    - {rule: iface, in: lo, action: inner}\n", ["W035"]),
        ("  FORWARD:\n    - {rule: iface, in: lo, out: lo, action: inner}\nqueue: {hooks: [INPUT, FORWARD]}\n", []),
        ("  INPUT:\n    - {all: [{rule: iface, out: lo}, {rule: iface, in: lo}], action: inner}\n", ["W035", "W035"]),
    ],
)
def test_a_device_that_packets_of_a_hook_do_not_have(tmp_path: Path, rest: str, codes: list[str]) -> None:
    inner = "chains:\n  inner:\n    - {rule: iface, out: lo, action: DROP}\n"
    file = tmp_path / "p.yaml"
    file.write_text(f"version: 1\nplugins: [rules]\n{inner}{rest}")
    assert [code for _, code, _ in findings(file) if code == "W035"] == codes


@pytest.mark.parametrize("ports", ["0", "[0, 22]"])
def test_port_0_is_hardly_meant(tmp_path: Path, ports: str) -> None:
    found = findings(policy(tmp_path, f"{{rule: port, dst: {ports}, action: DROP}}"))
    assert (5, "W032") in [(line, code) for line, code, _ in found], found
    assert "W032" not in [code for _, code, _ in findings(policy(tmp_path, "{rule: port, dst: 0-1023, action: DROP}"))]


@pytest.mark.parametrize(
    ("question", "finds"),
    [("is: '404'", True), ("in: ['200', 404]", True), ("is: 404", False), ("is: '4x4'", False), ("in: '@s'", False)],
)
def test_a_number_in_quotes_equals_no_number(tmp_path: Path, question: str, finds: bool) -> None:
    rule = f"{{rule: fact, name: http.status, {question}, action: DROP}}"
    found = findings(policy(tmp_path, rule, "sets: {s: {type: strings}}\n", "rules, stream, protocols"))
    assert ("W034" in [code for _, code, _ in found]) is finds
