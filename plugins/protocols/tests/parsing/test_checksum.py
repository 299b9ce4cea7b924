"""Checksums, by the check values that their catalogues give for 123456789."""

import pytest
from pywall_protocols.parsing.checksum import DNP3, MODBUS, X25


@pytest.mark.parametrize(("crc", "value"), [(MODBUS, 0x4B37), (DNP3, 0xEA82), (X25, 0x906E)])
def test_check_values(crc, value):
    assert crc.of(b"123456789") == value
    assert crc.ends(b"123456789" + value.to_bytes(2, "little"))
    assert not crc.ends(b"123456789" + value.to_bytes(2, "big"))
    assert not crc.ends(b"")
