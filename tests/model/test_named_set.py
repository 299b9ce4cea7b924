"""Named sets: members, expiry, bounds, the right form said."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.model.named_set import TYPES, AddressSet, NameSet, PortNumberSet, SetFullError, StringSet

addresses = st.ip_addresses()
networks = st.builds(
    lambda address, length: ip_network((address, length % (address.max_prefixlen + 1)), strict=False),
    addresses,
    st.integers(0, 128),
)


@given(st.lists(networks, max_size=20), st.lists(addresses, max_size=20))
def test_members_are_those_that_ipaddress_says(entries: list, asked: list) -> None:  # type: ignore[type-arg]
    found = AddressSet("s")
    for network in entries:
        found.add(str(network))
    for address in [*asked, *(network.network_address for network in entries)]:
        member = any(address.version == network.version and address in network for network in entries)
        assert (address.packed in found) == member


@given(st.lists(networks, min_size=1, max_size=20, unique=True), st.data())
def test_what_is_deleted_is_gone_and_the_rest_stays(entries: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    found = AddressSet("s")
    for network in entries:
        found.add(str(network))
    gone = data.draw(st.sampled_from(entries))
    assert found.delete(str(gone))
    assert not found.delete(str(gone))
    left = [network for network in entries if network != gone]
    assert {ip_network(text) for text, _ in found.entries()} == set(left)
    address = gone.network_address
    assert (address.packed in found) == any(address.version == n.version and address in n for n in left)


def test_names_match_what_is_below_them() -> None:
    found = NameSet("s")
    for entry in ("Ads.Example.", "*.tracker.example", "=only.example"):
        found.add(entry)
    members = ["ads.example", "x.ADS.example", "a.b.tracker.example", "tracker.example.", "only.example"]
    others = ["example", "bads.example", "x.only.example", "ads.example.org", ""]
    assert [name in found for name in members] == [True] * 5
    assert [name in found for name in others] == [False] * 5


labels = st.sampled_from(["a", "b", "aa", "com"])
names = st.lists(labels, min_size=1, max_size=5).map(".".join)


@given(st.sets(st.tuples(st.booleans(), names), max_size=12), st.lists(names, max_size=12), st.data())
def test_names_that_come_and_go_match_by_whole_labels(
    entries: set[tuple[bool, str]], asked: list[str], data: st.DataObject
) -> None:
    found = NameSet("s")
    for alone, name in entries:
        found.add(f"={name}" if alone else name)
    gone = data.draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    for alone, name in gone:
        assert found.delete(f"={name}" if alone else name)
    left = entries - gone
    for name in [*asked, *(name for _, name in entries)]:
        member = any(name == entry if alone else f".{name}".endswith(f".{entry}") for alone, entry in left)
        assert (name in found) == (name.upper() + "." in found) == member


def test_ports_and_strings() -> None:
    ports, strings = PortNumberSet("p"), StringSet("s")
    ports.add("1000-2000")
    ports.add(443)
    strings.add("abc")
    assert [port in ports for port in (443, 1000, 1500, 2000, 2001, 444)] == [True, True, True, True, False, False]
    assert ["abc" in strings, "ABC" in strings] == [True, False]


@pytest.mark.parametrize(
    ("kind", "entry", "says"),
    [
        ("addresses", "10.0.0.300", "is not an address or network (192.0.2.1, 192.0.2.0/24"),
        ("addresses", "10.1", "is not an address or network"),
        ("addresses", "010.0.0.1", "is not an address or network"),  # octal for inet_aton: 8.0.0.1
        ("addresses", "example.org", "is not an address or network"),
        ("ports", "80,443", "is not a port or range of ports: write a list, [80, 443]"),
        ("ports", True, "is not a port"),
        ("ports", "2000-1000", "is not a port"),
        ("names", "http://x.example/", "is not a domain name: write x.example"),
        ("names", "a b", "is not a domain name"),
        ("strings", "", "is not a text of 1 to 255 characters"),
    ],
)
def test_what_is_no_entry_is_said_with_the_right_form(kind: str, entry: object, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        TYPES[kind]("s", 10).add(entry)  # type: ignore[index]
    assert says in str(caught.value)


def test_entries_expire_and_the_later_time_counts() -> None:
    found = AddressSet("s")
    found.add("192.0.2.1", 10.0)
    found.add("192.0.2.0/25", 20.0)
    found.add("192.0.2.200")
    found.add("192.0.2.1", 30.0)
    assert found.sweep(15.0) == []
    assert found.sweep(20.0) == [(ip_address("192.0.2.0").packed, 25)]
    assert ip_address("192.0.2.2").packed not in found
    assert ip_address("192.0.2.1").packed in found
    assert dict(found.entries()) == {"192.0.2.1": 30.0, "192.0.2.200": inf}


def test_a_set_is_bounded() -> None:
    found = StringSet("s", 2)
    found.add("a")
    found.add("b")
    found.add("b")
    with pytest.raises(SetFullError, match="has its 2 entries already"):
        found.add("c")


def test_replacing_keeps_what_has_a_time_to_live() -> None:
    found = StringSet("s")
    found.add("old")
    found.add("banned", 100.0)
    found.replace(["new"])
    assert dict(found.entries()) == {"banned": 100.0, "new": inf}
