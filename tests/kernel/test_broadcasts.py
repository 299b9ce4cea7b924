"""Broadcast addresses out of the kernel's routing table, in its own layout."""

from __future__ import annotations

from pathlib import Path

from pywall_core.kernel.broadcasts import broadcasts

TABLE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.168.7.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.255.255.255
        /32 link BROADCAST
     +-- 192.168.7.0/24 2 0 2
        |-- 192.168.7.9
           /32 host LOCAL
        |-- 192.168.7.255
           /32 link BROADCAST
"""


def test_broadcast_addresses_and_no_others(tmp_path: Path) -> None:
    file = tmp_path / "fib_trie"
    file.write_text(TABLE)
    assert broadcasts(file) == {bytes([127, 255, 255, 255]), bytes([192, 168, 7, 255])}


def test_a_kernel_without_the_table_has_none(tmp_path: Path) -> None:
    assert broadcasts(tmp_path / "missing") == frozenset()


def test_this_machine_can_be_asked() -> None:
    assert all(len(address) == 4 for address in broadcasts())
