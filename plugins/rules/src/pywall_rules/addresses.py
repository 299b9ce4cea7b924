"""Sets of addresses as sorted ranges of packed bytes: a look-up is one bisection, whatever the number of networks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range
from typing import Any

from pywall_core.api import NamedSet, policy_file

from .lists import lines_of, one_or_more
from .templates import template_form

Network = IPv4Network | IPv6Network
Ranges = tuple[list[bytes], list[bytes]]


class AddressSet:
    """IPv4 and IPv6 networks. ``address in addresses`` takes 4 or 16 packed bytes."""

    def __init__(self, networks: Iterable[Network], named: Iterable[str] = ()) -> None:
        found = list(networks)
        #: names of sets whose members are members too
        self.named = tuple(named)
        self._v4 = _ranges([network for network in found if network.version == 4])
        self._v6 = _ranges([network for network in found if network.version == 6])

    @classmethod
    def parse(cls, value: Any) -> AddressSet:
        """From one entry (see :func:`networks`), a list of them, or ``{file: PATH}`` with one a line.

        :raises ValueError: naming the entry that is not an address or network
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            if list(value) != ["file"] or not isinstance(value["file"], str):
                raise ValueError(f"a mapping is not an address or network{_right_form(value)}")
            lines = lines_of(policy_file(value["file"]))
            return cls(network for place, entry in lines for network in networks(entry, f"{place}: "))
        entries = one_or_more(value)
        named = [entry[1:] for entry in entries if is_set(entry)]
        return cls([network for entry in entries if not is_set(entry) for network in networks(entry)], named)

    def bound(self, sets: Mapping[str, NamedSet]) -> Container[bytes]:
        """Return what members are looked up in: these networks, and the named sets as they are at that time."""
        if not self.named:
            return self
        found: list[Container[bytes]] = [sets[name] for name in self.named]
        if not self.empty():
            found.append(self)
        return found[0] if len(found) == 1 else AnyOfSets(found)

    def empty(self) -> bool:
        """No networks; there may be named sets."""
        return not (self._v4[0] or self._v6[0])

    def covers(self, other: AddressSet) -> bool:
        """``other`` is not empty, and every address of it is a member."""
        if not set(other.named) <= set(self.named) or (other.empty() and not other.named):
            return False
        return all(
            (at := bisect_right(starts, first) - 1) >= 0 and last <= ends[at]
            for (starts, ends), ranges in ((self._v4, other._v4), (self._v6, other._v6))
            for first, last in zip(*ranges, strict=True)
        )

    def ranges(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the first and last address of each range of the networks, without the named sets."""
        return tuple(pair for starts, ends in (self._v4, self._v6) for pair in zip(starts, ends, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressSet) and (self.named, self.ranges()) == (other.named, other.ranges())

    def __hash__(self) -> int:
        return hash((self.named, self.ranges()))

    def __contains__(self, address: Any) -> bool:
        starts, ends = self._v4 if len(address) == 4 else self._v6
        at = bisect_right(starts, address) - 1
        return at >= 0 and address <= ends[at]


class AnyOfSets:
    """Several sets as one."""

    def __init__(self, parts: list[Container[bytes]]) -> None:
        self._parts = parts

    def __contains__(self, address: object) -> bool:
        return any(address in part for part in self._parts)


def is_set(entry: object) -> bool:
    """The entry names a set: ``@name``."""
    return isinstance(entry, str) and entry.startswith("@")


def with_host_bits(entry: object) -> Network | None:
    """Return the network that an entry is in, where it names a host of it together with the network's length."""
    if isinstance(entry, str) and "/" in entry:
        with suppress(ValueError):
            network = ip_network(entry, strict=False)
            if str(network.network_address) != str(ip_address(entry.partition("/")[0])):
                return network
    return None


def network_meant(entry: object) -> Network | None:
    """Return the network that an address without a length ends like: ``192.168.1.0``, ``10.0.0.0``, ``2001:db8::``."""
    if not isinstance(entry, str) or "/" in entry:
        return None
    with suppress(ValueError):
        address = ip_address(entry)
        if not int(address):
            return None
        if address.version == 6:
            return ip_network(f"{address}/64") if int(address) & (1 << 64) - 1 == 0 else None
        zeros = next(at for at, byte in enumerate(reversed(address.packed)) if byte)
        return ip_network(f"{address}/{32 - 8 * zeros}") if zeros else None
    return None


def networks(entry: Any, place: str = "") -> Iterable[Network]:
    """Return the networks that one entry stands for: an address, a CIDR network, or a range ``10.0.0.1-10.0.0.9``.

    :raises ValueError: naming what it is not, with the right form
    """
    if isinstance(entry, str) and "%" not in entry:  # a zone is not part of a packet's address
        with suppress(ValueError, TypeError):
            first, dash, last = entry.partition("-")
            if dash:
                return list(summarize_address_range(ip_address(first.strip()), ip_address(last.strip())))
            return [ip_network(entry, strict=False)]
    shown = str(entry).lower() if isinstance(entry, bool) else repr(entry)
    raise ValueError(f"{place}{shown} is not an address or network{_right_form(entry)}")


def _right_form(entry: Any) -> str:
    """Return how people write addresses elsewhere, and how they are written here."""
    text = str(entry).strip()
    if isinstance(entry, dict):
        return _mapping_form(entry)
    if type(entry) is int and 255 < entry < 1 << 32:
        return f": write {ip_address(entry)}"
    if text != entry and isinstance(entry, str) and is_network(text):
        return f": write {text} without blanks"
    if "\\" in text and is_network(text.replace("\\", "/")):
        return f": write {text.replace(chr(92), '/')}"
    if text.startswith(("!", "not ")):
        return f": for all but this, write {{not: {{rule: ip, src: {text.removeprefix('not').lstrip('!= ')}}}}}"
    if text.lower() in ("any", "all", "*", "anywhere"):
        return ": for any address, leave the key out"
    if re.fullmatch(r"\[[0-9a-fA-F:.]+\](:\d+)?", text):
        return f": write {text[1 : text.index(']')]} without brackets; a port is a rule of its own"
    if template := template_form(text):
        return template
    if re.fullmatch(r"\$\(?\w+\)?|%\w+%", text):
        return f": a variable is written ${{{re.sub(chr(92) + 'W', '', text)}}}"
    named = re.fullmatch(r"(?:ip)?set:(\w+)|<(\w+)>", text)
    if named:
        return f": a named set is written '@{named[1] or named[2]}'"
    if "%" in text:
        return f": a zone is not part of an address, write {text.partition('%')[0]} and a rule `iface`"
    return _digits_form(text) or _word_form(text)


def is_network(text: str) -> bool:
    with suppress(ValueError):
        return bool(ip_network(text, strict=False))
    return False


def _mapping_form(entry: dict[Any, Any]) -> str:
    if "except" in entry or "not" in entry:
        return ": an exception is written {all: [{rule: ip, src: ...}, {not: {rule: ip, src: ...}}], action: ...}"
    name = entry.get("set", entry.get("name"))
    if isinstance(name, str):
        return f": a named set is written '@{name.lstrip('@')}'"
    value = next(iter(entry.values()), None)
    if len(entry) > 1 and set(entry.values()) == {None}:
        return f": write a list with [ ], [{', '.join(map(str, entry))}]"
    return (f": write {value}" if len(entry) == 1 and isinstance(value, str) else "") + ", or {file: PATH}"


def _digits_form(text: str) -> str:
    """Return the form of what has numbers as an address has: parts left out, a mask, a port, a range, a list."""
    if re.fullmatch(r"(\d+\.){1,3}\*(\.\*)*", text):
        known = [part for part in text.split(".") if part != "*"]
        return f": write {'.'.join([*known, *['0'] * (4 - len(known))])}/{8 * len(known)}"
    if re.fullmatch(r"(\d+\.){1,2}\d+(/\d+)?", text):
        address, slash, length = text.partition("/")
        parts = address.split(".")
        return f": write {'.'.join([*parts, *['0'] * (4 - len(parts))])}/{length if slash else 8 * len(parts)}"
    if re.fullmatch(r"[\d.]+:\d+", text):
        return f": a port is a rule of its own, {{rule: port, dst: {text.rpartition(':')[2]}}}"
    if re.fullmatch(r"([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}", text):
        return ": it is one of Ethernet, which PyWall does not see; nft or iptables ask for it"
    short = re.fullmatch(r"((?:\d+\.){3})(\d+)\s*-\s*(\d+)", text)
    if short:
        return f": a range is written {short[1]}{short[2]}-{short[1]}{short[3]}"
    masked = re.fullmatch(r"((?:\d+\.){3}\d+)[\s/]+(?:mask\s+|netmask\s+)?((?:\d+\.){3}\d+)", text)
    if masked:
        with suppress(ValueError):
            return f": write {ip_network(f'{masked[1]}/{masked[2]}', strict=False)}"
    ends = re.fullmatch(r"([0-9a-fA-F.:]+)\s*-\s*([0-9a-fA-F.:]+)", text)
    if ends:
        return ": the lower address of a range comes first, 192.0.2.1-192.0.2.9"
    numbers = re.fullmatch(r"((?:\d+\.){3}\d+)(?:/(\d+))?", text)
    if numbers:
        if any(len(part) > 1 and part[0] == "0" for part in numbers[1].split(".")):
            return f": write no zeros in front, {'.'.join(str(int(part)) for part in numbers[1].split('.'))}"
        return (
            ": each of its four numbers is at most 255"
            if numbers[2] is None
            else ": a length is at most 32, or 128 of IPv6"
        )
    if blank := re.fullmatch(r"(\S+)\s*/\s*(\d+)", text):
        if ":" in blank[1] and int(blank[2]) > 128:
            return ": a length is at most 32, or 128 of IPv6"
        if blank[0] != f"{blank[1]}/{blank[2]}":
            return f": write {blank[1]}/{blank[2]} without blanks"
    if re.search(r"[,;|\s]", text) and len(several := re.split(r"[,;|\s]+", text.strip("{}() "))) > 1:
        return f": write a list, [{', '.join(several)}]"
    return ""


def _word_form(text: str) -> str:
    """Return the form of what is a word: a host's name, this machine, a country, a device, a set."""
    if re.fullmatch(r"\*?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", text):
        return f": a name is looked for in what flows say, {{rule: domain, is: {text}}}"
    if text.lower() in ("localhost", "loopback"):
        return ": write [127.0.0.0/8, '::1'], or {rule: iface, in: lo}"
    if text.lower() in ("self", "local", "me", "home", "this"):
        return ": what this machine began is {rule: flow, initiator: local}; its addresses are written out"
    if re.fullmatch(r"(lo|(eth|en|wl|wlan|br|docker|tun|tap|wg|veth)[a-z0-9]*\d)(:\w+)?", text):
        return f": a device is a rule of its own, {{rule: iface, in: {text.partition(':')[0]}}}"
    if re.fullmatch(r"AS\d+", text, re.IGNORECASE):
        return f": a network of the routing is {{rule: asn, src: {text[2:]}, database: FILE.mmdb}}"
    if re.fullmatch(r"[A-Z]{2}", text):
        return f": a country is {{rule: geo, src: {text}, database: FILE.mmdb}}; a named set is written '@{text}'"
    if re.fullmatch(r"[A-Za-z_][\w-]*", text):
        return f": a named set is written '@{text}'"
    return " (192.0.2.0/24, 2001:db8::/32, 192.0.2.1-192.0.2.9)"


def _ranges(networks: list[IPv4Network] | list[IPv6Network] | list[Network]) -> Ranges:
    """First and last addresses of the networks, sorted, overlaps joined."""
    starts: list[bytes] = []
    ends: list[bytes] = []
    for first, last in sorted((n.network_address.packed, n.broadcast_address.packed) for n in networks):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
