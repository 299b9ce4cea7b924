"""Sets of networks answer as the ipaddress module does."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_rules.addresses import AddressSet

v4_networks = st.builds(
    lambda n, bits: IPv4Network((n, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
v6_networks = st.builds(
    lambda n, bits: IPv6Network((n, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(v4_networks | v6_networks, max_size=12), st.data())
def test_membership_is_that_of_ipaddress(networks: list[IPv4Network | IPv6Network], data: st.DataObject) -> None:
    addresses = AddressSet(networks)
    edges = [address for net in networks for address in (net.network_address, net.broadcast_address)]
    near = st.sampled_from(edges).flatmap(
        lambda a: st.integers(-2, 2).map(lambda d: type(a)((int(a) + d) % (1 << a.max_prefixlen)))
    )
    anywhere = st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address)
    address = data.draw(near | anywhere if edges else anywhere)
    assert (address.packed in addresses) == any(address in net for net in networks)


def test_lists_of_both_versions() -> None:
    addresses = AddressSet.parse(["192.0.2.0/24", "10.1.2.3", "2001:db8::/32", "::1"])
    for inside in ("192.0.2.255", "10.1.2.3", "2001:db8:ffff::1", "::1"):
        assert ip_address(inside).packed in addresses
    for outside in ("192.0.3.0", "10.1.2.4", "2001:db9::", "::2", "0.0.0.1"):
        assert ip_address(outside).packed not in addresses


def test_host_bits_are_ignored_as_iptables_does() -> None:
    assert ip_address("10.200.0.1").packed in AddressSet.parse("10.1.2.3/8")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "300.1.1.1", "example.org", "fe80::1%eth0/64", 10, None, "", "1.2.3"])
def test_what_is_no_address_is_named(entry: object) -> None:
    with pytest.raises(ValueError, match="is not an address or network"):
        AddressSet.parse(["192.0.2.1", entry])


def test_file_of_networks(tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_text("# comment\n192.0.2.0/24  # a test net\n\n2001:db8::/32\n")
    addresses = AddressSet.parse({"file": str(file)})
    assert ip_address("192.0.2.7").packed in addresses
    assert ip_address("2001:db8::7").packed in addresses
    file.write_text("192.0.2.0/24\nnonsense\n")
    with pytest.raises(ValueError, match=r"bad\.txt:2: 'nonsense' is not an address"):
        AddressSet.parse({"file": str(file)})
    with pytest.raises(ValueError, match="cannot be read"):
        AddressSet.parse({"file": str(tmp_path / "absent")})
    with pytest.raises(ValueError, match=r"\{file: PATH\}"):
        AddressSet.parse({"path": "x"})


def test_a_hundred_thousand_networks_are_joined_and_found() -> None:
    addresses = AddressSet(ip_network((0x0A000000 + (n << 8), 24)) for n in range(0, 200_000, 2))
    assert ip_address("10.0.0.9").packed in addresses
    assert ip_address("10.0.1.9").packed not in addresses
