"""``geo`` and ``asn``: where an address is registered, and whose it is, from MaxMind DB files (MMDB format 2.0)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, PolicyFile, RuleIndex, RuleKind

from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host

#: addresses whose record is kept, for each database
_KEPT = 65_536


class _Located(RuleKind):
    database: PolicyFile = Field(
        description="the file: GeoLite2-Country.mmdb, GeoLite2-ASN.mmdb, or one of the same format"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if getattr(self, "src", None) is None and getattr(self, "dst", None) is None:
            raise ValueError("'src' or 'dst' is missing or empty")
        open_database(self.database)
        return self

    def value(self, record: dict[str, Any]) -> object:
        """Return what the record of an address says to this kind."""
        raise NotImplementedError

    def index(self, host: Host) -> tuple[RuleIndex, ...]:
        found = self._lookup()
        kind, file = self.kind, self.database
        looks: tuple[tuple[str, Callable[[Packet, Flow], tuple[object]]], ...] = (
            ("src", lambda packet, flow: (found(packet.src),)),
            ("dst", lambda packet, flow: (found(packet.dst),)),
        )
        wanted = {way: getattr(self, way) for way, _ in looks}
        return tuple(
            RuleIndex((kind, file, way), look, keys=tuple(wanted[way]))
            for way, look in looks
            if wanted[way] is not None
        )

    def _lookup(self) -> Callable[[bytes], object]:
        record, value = open_database(self.database), self.value

        def found(address: bytes) -> object:
            known = record(address)
            return value(known) if known is not None else None

        return found

    def compile(self, host: Host) -> Matcher:
        found = self._lookup()

        def test(wanted: tuple[Any, ...] | None) -> Callable[[bytes], bool] | None:
            if wanted is None:
                return None
            values = frozenset(wanted)
            return lambda address: found(address) in values

        from_there, to_there = test(self.src), test(self.dst)  # type: ignore[attr-defined]

        def match(packet: Packet, flow: Flow) -> Answer:
            if from_there is not None and not from_there(packet.src):
                return NO
            if to_there is not None and not to_there(packet.dst):
                return NO
            return YES

        return match


class Geo(_Located):
    """Matches by the country in which an address is registered. It says where a network was registered, not where
    somebody sits."""

    kind: ClassVar[str] = "geo"

    src: OneOrMany[str] | None = Field(default=None, description="source: a country's ISO 3166 code (DE), or a list")
    dst: OneOrMany[str] | None = Field(default=None, description="destination, in the same form")

    @field_validator("src", "dst")
    @classmethod
    def _are_codes(cls, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for code in codes or ():
            if len(code) != 2 or not code.isalpha() or not code.isupper():
                form = (
                    code.upper() if len(code) == 2 and code.isalpha() else "its two capital letters (ISO 3166), as DE"
                )
                raise ValueError(f"{code!r} is not a country: write {form}")
        return codes

    def value(self, record: dict[str, Any]) -> object:
        return (record.get("country") or record.get("registered_country") or {}).get("iso_code")


class Asn(_Located):
    """Matches by the autonomous system that announces an address."""

    kind: ClassVar[str] = "asn"

    src: OneOrMany[int] | None = Field(default=None, description="source: a number (13335), or a list")
    dst: OneOrMany[int] | None = Field(default=None, description="destination, in the same form")

    @field_validator("src", "dst", mode="before")
    @classmethod
    def _are_numbers(cls, value: object) -> object:
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, str) and re.fullmatch(r"AS ?\d+|\d+", number, re.IGNORECASE):
                raise ValueError(f"{number!r} is not a number: write {re.sub(r'[^0-9]', '', number)}")
        return value

    def value(self, record: dict[str, Any]) -> object:
        return record.get("autonomous_system_number")


Record = Callable[[bytes], dict[str, Any] | None]


def open_database(file: str) -> Record:
    """Return the record of a packed address as a function; the file is kept in memory, once for all rules.

    :raises ValueError: not readable, or the reader is not installed
    """
    try:
        written = Path(file).stat()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    return _open(file, written.st_mtime_ns, written.st_size)


@lru_cache(8)
def _open(file: str, written: int, size: int) -> Record:
    try:
        import maxminddb
    except ImportError:
        raise ValueError("geo and asn need the reader of these files: pip install 'pywall-rules[geo]'") from None
    try:
        database = maxminddb.open_database(file, maxminddb.MODE_MEMORY)
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (maxminddb.InvalidDatabaseError, ValueError):
        raise ValueError(f"{Path(file).name}: no MaxMind DB file") from None

    @lru_cache(_KEPT)
    def record(address: bytes) -> dict[str, Any] | None:
        found = database.get(ip_address(address)) if address else None  # a packet that did not decode has none
        return found if isinstance(found, dict) else None

    return record
