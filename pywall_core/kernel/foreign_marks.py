"""Who else uses packet marks and connmarks on this machine, and which bits are left for us.

Read: routing rules (``ip rule``), WireGuard's own marks, rules of iptables (both builds) and of nft. What a socket sets
with SO_MARK cannot be read; such marks are told from ours by their tag (see :mod:`pywall_core.kernel.marks`).
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from . import command
from .command import CommandError
from .iptables import IPTables
from .mark_guard import TABLE
from .marks import DEFAULT_MASK
from .netlink import attributes
from .ruleset import PREFIX

_ALL: Final = 0xFFFFFFFF
#: bits of the mask that is looked for where the default one is used by others
_WIDTH: Final = DEFAULT_MASK.bit_count()
#: fewer bits than this make tags that are easy to hit, so others' bits are shared rather
_LEAST: Final = 15
_GETRULE: Final = 34
_FWMARK: Final = 10
_FWMASK: Final = 16


@dataclass(frozen=True, slots=True)
class Use:
    """Bits of a mark that somebody looks at or sets; ``where`` is the rule in words."""

    bits: int
    where: str


def uses() -> list[Use]:
    """Return what can be seen of others' marks. What cannot be read is left out."""
    found: list[Use] = []
    for read in (_routing_rules, _wireguard, _iptables_rules, _nft_rules):
        with contextlib.suppress(CommandError, OSError, ValueError):
            found += read()
    return list(dict.fromkeys(found))


def choose(found: Iterable[Use]) -> int:
    """Return a mask of up to 17 bits that nobody uses: the default one if it is free, else neighbouring bits where
    possible. Where fewer than 15 are left, the default one."""
    taken = 0
    for use in found:
        taken |= use.bits
    if not taken & DEFAULT_MASK:
        return DEFAULT_MASK
    for shift in range(32 - _WIDTH, -1, -1):
        mask = ((1 << _WIDTH) - 1) << shift
        if not mask & taken:
            return mask
    free = [bit for bit in range(31, -1, -1) if not taken >> bit & 1]
    return sum(1 << bit for bit in free[:_WIDTH]) if len(free) >= _LEAST else DEFAULT_MASK


def conflicts(found: Iterable[Use], mask: int) -> list[Use]:
    """Return the uses that share bits with ``mask``."""
    return [use for use in found if use.bits & mask]


def _bits(value: int, mask: int) -> int:
    """Bits that matter: those of the mask, or those that are set where the whole mark is meant."""
    return value if mask == _ALL else mask


# --- ip rule ------------------------------------------------------------------------------------------------------


def _routing_rules() -> Iterator[Use]:
    for family, name in ((socket.AF_INET, "ip rule"), (socket.AF_INET6, "ip -6 rule")):
        for value, mask in _dump_rules(int(family)):
            yield Use(_bits(value, mask), f"{name}: fwmark {value:#x}/{mask:#x}")


def _dump_rules(family: int) -> list[tuple[int, int]]:
    """Return fwmark and mask of each routing rule that has one (``linux/fib_rules.h``)."""
    found: list[tuple[int, int]] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as rtnetlink:
        rtnetlink.settimeout(5.0)
        rtnetlink.send(struct.pack("=IHHIIB11x", 28, _GETRULE, 0x301, 1, 0, family))
        while True:
            data = rtnetlink.recv(1 << 17)
            at = 0
            while at + 16 <= len(data):
                size, kind = struct.unpack_from("=IH", data, at)
                if kind in (2, 3) or size < 16:
                    return found
                fields = attributes(data[at + 28 : at + size])
                if _FWMARK in fields:
                    mask = fields.get(_FWMASK, b"\xff" * 4)
                    found.append((struct.unpack("=I", fields[_FWMARK])[0], struct.unpack("=I", mask)[0]))
                at += (size + 3) & ~3


# --- WireGuard ----------------------------------------------------------------------------------------------------


def _wireguard() -> Iterator[Use]:
    for line in command.run([command.find("wg"), "show", "all", "fwmark"]).splitlines():
        interface, _, mark = line.partition("\t")
        if mark.startswith("0x"):
            yield Use(int(mark, 16), f"WireGuard interface {interface}: fwmark {mark}")


# --- iptables -----------------------------------------------------------------------------------------------------


def _iptables_rules() -> Iterator[Use]:
    for family in (4, 6):
        for variant in ("nft", "legacy"):
            with contextlib.suppress(CommandError):
                for table, saved in IPTables(family, variant).save().items():
                    own = saved.jumps()
                    for rule in saved.rules:
                        if not rule.startswith(f"-A {PREFIX}") and rule not in own:
                            for bits in rule_bits(rule):
                                yield Use(bits, f"ip{'6' * (family == 6)}tables -t {table}: {rule}")


def rule_bits(rule: str) -> list[int]:
    """Return the bits of packet mark or connmark that a rule, as iptables-save prints it, compares or sets."""
    if "mark" not in rule.lower():
        return []
    pairs = re.findall(r"--(?:mark|set-x?mark|and-mark|or-mark|xor-mark) (0x[0-9a-f]+)(?:/(0x[0-9a-f]+))?", rule)
    found = [_bits(int(value, 16), int(mask or "0xffffffff", 16)) for value, mask in pairs]
    return found + [
        int(mask, 16) for mask in re.findall(r"--(?:nfmask|ctmask) (0x[0-9a-f]+)", rule) if mask != f"{_ALL:#x}"
    ]


# --- nft ----------------------------------------------------------------------------------------------------------


def _nft_rules() -> Iterator[Use]:
    listing = json.loads(command.run([command.find("nft"), "-j", "list", "ruleset"]))
    for entry in listing.get("nftables", []):
        rule = entry.get("rule")
        if not isinstance(rule, dict) or (rule.get("family"), rule.get("table")) == ("inet", TABLE):
            continue
        if str(rule.get("chain", "")).startswith(PREFIX) or f'"target": "{PREFIX}' in json.dumps(rule):
            continue
        for statement in rule.get("expr", []):
            bits = statement_bits(statement)
            if bits:
                yield Use(bits, f"nft {rule.get('family')} {rule.get('table')} {rule.get('chain')}")


def statement_bits(statement: Any) -> int:
    """Return the bits of marks that a statement, as ``nft -j`` prints it, compares or sets (libnftables-json(5))."""
    if not isinstance(statement, dict):
        return 0
    if isinstance(match := statement.get("match"), dict):
        mask = _masked(match.get("left"))
        if mask is not None:
            return mask if mask != _ALL else _numbers(match.get("right"))
    if isinstance(change := statement.get("mangle"), dict) and _is_mark(change.get("key")):
        return _set_bits(change.get("value"))
    return 0


def _is_mark(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(value.get(of), dict) and value[of].get("key") == "mark" for of in ("meta", "ct")
    )


def _masked(left: Any) -> int | None:
    """Return the mask under which a mark is compared; None when something else is."""
    if _is_mark(left):
        return _ALL
    if isinstance(left, dict) and isinstance(parts := left.get("&"), list) and len(parts) == 2 and _is_mark(parts[0]):
        return parts[1] if isinstance(parts[1], int) else _ALL
    return None


def _numbers(value: Any) -> int:
    """Return all bits of the numbers in a value, a set or a range."""
    if isinstance(value, int):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    bits = 0
    for part in parts:
        bits |= _numbers(part)
    return bits


def _set_bits(value: Any) -> int:
    """Return the bits that ``mark set VALUE`` changes: all of a number, those outside of what ``&`` keeps."""
    if isinstance(value, int):
        return value
    if not isinstance(value, dict):
        return 0
    if isinstance(parts := value.get("&"), list) and len(parts) == 2 and isinstance(parts[1], int):
        return (_ALL & ~parts[1]) if _is_mark(parts[0]) else _set_bits(parts[0])
    for operator in ("|", "^"):
        if isinstance(parts := value.get(operator), list) and len(parts) == 2:
            return _set_bits(parts[0]) | (parts[1] if isinstance(parts[1], int) else 0)
    return 0
