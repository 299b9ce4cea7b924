"""NamedSet: entries that rules ask for by ``@name`` and that change while the firewall runs.

Four types: ``addresses`` (addresses and networks), ``ports`` (numbers and ranges), ``names`` (domain names; an entry
matches the name and all names below it), ``strings`` (fingerprints and other values, exactly). An entry may have a time
to live. Times are those of the engine's clock, seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from math import inf
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any, ClassVar, Final, Literal

from .set_entry_forms import address_form, name_form, port_form

SetType = Literal["addresses", "ports", "names", "strings"]

#: entries in one set at most, unless the configuration says otherwise
MAX_ENTRIES: Final = 2_000_000
#: characters of one entry at most
MAX_ENTRY: Final = 255


class SetFullError(Exception):
    """The set has as many entries as it may have."""


class NamedSet:
    """Base of the four types. ``values`` holds the expiry of each entry by its normal form.

    ``changed`` is called after entries came or went, so that decided flows are asked about again.
    """

    type: ClassVar[SetType]

    def __init__(self, name: str, most: int = MAX_ENTRIES) -> None:
        self.name = name
        self.most = most
        self.values: dict[Any, float] = {}
        #: called with each value that came (True) or went (False)
        self.watchers: list[Callable[[Any, bool], None]] = []
        #: the earliest expiry, so that sweeping costs nothing before it
        self._next_expiry = inf

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, value: object) -> bool:
        """Return whether a value of a packet or flow is a member."""
        raise NotImplementedError

    def normal(self, entry: Any) -> Any:
        """Return the entry's normal form.

        :raises ValueError: it is not an entry of this type; the text shows the right form
        """
        raise NotImplementedError

    def text(self, value: Any) -> str:
        """Return the normal form as people write it."""
        return str(value)

    def add(self, entry: Any, expires: float = inf) -> Any:
        """Add an entry, or give it a new expiry. Return its normal form.

        :raises ValueError: it is not an entry of this type
        :raises SetFullError: there is no room
        """
        value = self.normal(entry)
        if value not in self.values and len(self.values) >= self.most:
            raise SetFullError(f"set {self.name!r} has its {self.most} entries already")
        self._insert(value, expires)
        return value

    def delete(self, entry: Any) -> bool:
        """Take an entry out. False when it was not there. :raises ValueError: it is not an entry of this type"""
        value = self.normal(entry)
        if value not in self.values:
            return False
        self._remove(value)
        return True

    def replace(self, entries: Iterable[Any]) -> None:
        """Take these entries instead of all that have no time to live. :raises ValueError: one of them is wrong"""
        values = [self.normal(entry) for entry in entries]
        if len(values) > self.most:
            raise SetFullError(f"set {self.name!r} takes {self.most} entries, not {len(values)}")
        for value in [value for value, expires in self.values.items() if expires == inf]:
            self._remove(value)
        for value in values:
            self._insert(value, self.values.get(value, inf))

    def sweep(self, now: float) -> list[Any]:
        """Forget what has expired; return those values."""
        if now < self._next_expiry:
            return []
        gone = [value for value, expires in self.values.items() if expires <= now]
        for value in gone:
            self._remove(value)
        self._next_expiry = min(self.values.values(), default=inf)
        return gone

    def entries(self) -> Iterator[tuple[str, float]]:
        """Return each entry as text, with its expiry."""
        for value, expires in self.values.items():
            yield self.text(value), expires

    def _insert(self, value: Any, expires: float) -> None:
        if self.watchers and value not in self.values:
            for watcher in self.watchers:
                watcher(value, True)
        self.values[value] = expires
        self._next_expiry = min(self._next_expiry, expires)

    def _remove(self, value: Any) -> None:
        del self.values[value]
        for watcher in self.watchers:
            watcher(value, False)


class AddressSet(NamedSet):
    """Addresses and networks. Members are packed addresses, 4 or 16 bytes.

    The normal form is the packed address, or (packed network, prefix length). A look-up is one hash for the address and
    one for each prefix length in use.
    """

    type: ClassVar[SetType] = "addresses"

    def __init__(self, name: str, most: int = MAX_ENTRIES) -> None:
        super().__init__(name, most)
        #: by address length: the networks of each prefix length in use, as (mask, network numbers)
        self._networks: dict[int, dict[int, tuple[int, set[int]]]] = {4: {}, 16: {}}

    def __contains__(self, value: object) -> bool:
        values = self.values
        if value in values:
            return True
        assert isinstance(value, bytes)
        networks = self._networks.get(len(value))
        if not networks:
            return False
        number = int.from_bytes(value)
        for mask, members in networks.values():  # noqa: SIM110 - a generator costs as much again
            if number & mask in members:
                return True
        return False

    def normal(self, entry: Any) -> Any:
        if isinstance(entry, bytes) and len(entry) in (4, 16):
            return entry
        if isinstance(entry, str):
            if entry.count(".") == 3 and "/" not in entry:
                with suppress(OSError, ValueError):
                    return inet_pton(AF_INET, entry)  # inet_aton takes 010.0.0.1 for 8.0.0.1
            with suppress(ValueError):
                if "/" not in entry:
                    return ip_address(entry).packed
                network = ip_network(entry, strict=False)
                if network.prefixlen == network.max_prefixlen:
                    return network.network_address.packed
                return network.network_address.packed, network.prefixlen
        raise ValueError(f"{entry!r} is not an address or network{address_form(entry)}")

    def text(self, value: Any) -> str:
        address, length = value if isinstance(value, tuple) else (value, None)
        shown = inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)
        return shown if length is None else f"{shown}/{length}"

    def _insert(self, value: Any, expires: float) -> None:
        if isinstance(value, tuple):
            address, length = value
            bits = 8 * len(address)
            lengths = self._networks[len(address)]
            if length not in lengths:
                lengths[length] = (((1 << length) - 1) << (bits - length), set())
            lengths[length][1].add(int.from_bytes(address))
        super()._insert(value, expires)

    def _remove(self, value: Any) -> None:
        super()._remove(value)
        if isinstance(value, tuple):
            address, length = value
            lengths = self._networks[len(address)]
            lengths[length][1].discard(int.from_bytes(address))
            if not lengths[length][1]:
                del lengths[length]


class PortNumberSet(NamedSet):
    """Port numbers and ranges ``1000-2000``; the normal form is the range. Members are numbers."""

    type: ClassVar[SetType] = "ports"

    def __contains__(self, value: object) -> bool:
        assert isinstance(value, int)
        return (value, value) in self.values or any(low <= value <= high for low, high in self.values)

    def normal(self, entry: Any) -> tuple[int, int]:
        low, _, high = str(entry).partition("-")
        try:
            ends = int(low), int(high or low)
        except ValueError:
            ends = -1, -1
        if isinstance(entry, bool) or not 0 <= ends[0] <= ends[1] <= 65535:
            raise ValueError(f"{entry!r} is not a port or range of ports{port_form(entry)}")
        return ends

    def text(self, value: Any) -> str:
        return str(value[0]) if value[0] == value[1] else f"{value[0]}-{value[1]}"


class NameSet(NamedSet):
    """Domain names, in lower case. ``example.org`` matches itself and all names below, ``=example.org`` itself."""

    type: ClassVar[SetType] = "names"

    def __init__(self, name: str, most: int = MAX_ENTRIES) -> None:
        super().__init__(name, most)
        #: entries that match one name alone, without their ``=``
        self._alone: set[str] = set()
        #: the others by the number of their dots. Sets beside ``values``: of a million entries in no cache, a set
        #: answers in a third of a dictionary's time, and no longer name is asked for than the longest entry is
        self._by_dots: list[set[str]] = []

    def _insert(self, value: Any, expires: float) -> None:
        super()._insert(value, expires)
        if value[0] == "=":
            self._alone.add(value[1:])
            return
        dots = value.count(".")
        while len(self._by_dots) <= dots:
            self._by_dots.append(set())
        self._by_dots[dots].add(value)

    def _remove(self, value: Any) -> None:
        super()._remove(value)
        if value[0] == "=":
            self._alone.discard(value[1:])
        else:
            self._by_dots[value.count(".")].discard(value)

    def __contains__(self, value: object) -> bool:
        name = str(value).lower().rstrip(".")
        if self._alone and name in self._alone:
            return True
        at = len(name)
        for entries in self._by_dots:
            at = name.rfind(".", 0, at)
            if entries and name[at + 1 :] in entries:
                return True
            if at < 0:
                return False
        return False

    def normal(self, entry: Any) -> str:
        text = entry.strip().lower().rstrip(".") if isinstance(entry, str) else ""
        text = text.removeprefix("*.").removeprefix(".")
        bare = text.removeprefix("=")
        if not bare or len(bare) > MAX_ENTRY or any(char.isspace() or char in "/*,@:|^!" for char in bare):
            raise ValueError(f"{entry!r} is not a domain name{name_form(entry)}")
        return text


class StringSet(NamedSet):
    """Any texts, exactly: fingerprints, user agents, versions."""

    type: ClassVar[SetType] = "strings"

    def __contains__(self, value: object) -> bool:
        return str(value) in self.values

    def normal(self, entry: Any) -> str:
        if isinstance(entry, bool) or not isinstance(entry, (str, int, float)) or not 0 < len(str(entry)) <= MAX_ENTRY:
            raise ValueError(f"{entry!r} is not a text of 1 to {MAX_ENTRY} characters")
        return str(entry)


TYPES: Final[Mapping[SetType, Callable[[str, int], NamedSet]]] = {
    "addresses": AddressSet,
    "ports": PortNumberSet,
    "names": NameSet,
    "strings": StringSet,
}
