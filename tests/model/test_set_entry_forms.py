"""Entries of sets as people write them are answered with the right form."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.model.named_set import AddressSet, NameSet, PortNumberSet
from pywall_core.model.set_entry_forms import address_form, name_form, port_form


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("10.0.0.1-10.0.0.9", "10.0.0.1, 10.0.0.2/31, 10.0.0.4/30, 10.0.0.8/31"),
        ("10.0.0.1 - 9", "10.0.0.1, 10.0.0.2/31, 10.0.0.4/30, 10.0.0.8/31"),
        ("10.0.0.1-10.0.255.9", ", ..."),
        ("2001:db8::-2001:db8::ff", "networks 2001:db8::/120"),
        ("10.0.*", "write 10.0.0.0/16"),
        ("10.0.0.1:22", "write 10.0.0.1"),
        ("[2001:db8::1]:443", "write 2001:db8::1"),
        ("[2001:db8::1]", "without brackets"),
        ("example.com", "{type: names, entries: [example.com]}"),
        ("10.0.0.0/33", "at most 32"),
        ("!10.0.0.1", "put 10.0.0.1 into one of its own"),
        ("10.0.0.1, 10.0.0.2", "write a list, [10.0.0.1, 10.0.0.2]"),
        ("any", "leave the set out"),
        ("lan", "192.0.2.0/24"),
    ],
)
def test_addresses(entry: str, words: str) -> None:
    with pytest.raises(ValueError, match="is not an address or network") as raised:
        AddressSet("a").normal(entry)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("22:25", "22-25"),
        ("1024:", "1024-65535"),
        ("22,23", "[22, 23]"),
        ("ssh", "port 22"),
        ("22/tcp", "write 22"),
        ("!22", "put 22 into"),
        ("0-70000", "at most 65535"),
        (-5, "at most 65535"),
        (True, "at most 65535"),
    ],
)
def test_ports(entry: object, words: str) -> None:
    with pytest.raises(ValueError, match="is not a port") as raised:
        PortNumberSet("p").normal(entry)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("https://x.example/path", "write x.example"),
        ("x.example:443", "write x.example"),
        ("||ads.example^", "write ads.example"),
        ("me@x.example", "write x.example"),
        ("2001:db8::1", "{type: addresses, entries: [2001:db8::1]}"),
        ("a.example b.example", "[a.example, b.example]"),
        ("!a.example", "put a.example into"),
        ("/ads[0-9]/", "=example.org for it alone"),
        ("", "=example.org for it alone"),
    ],
)
def test_names(entry: str, words: str) -> None:
    with pytest.raises(ValueError, match="is not a domain name") as raised:
        NameSet("n").normal(entry)
    assert words in str(raised.value)


@given(st.text(), st.integers(), st.floats(), st.ip_addresses())
def test_any_entry_has_an_answer(text: str, number: int, real: float, address: ip_address) -> None:
    for entry in (text, number, real, None, f"{address}-{text}", f"{address}{text}"):
        for form in (address_form, port_form, name_form):
            assert form(entry).startswith((":", " ("))
