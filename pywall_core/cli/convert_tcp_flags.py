"""``--tcp-flags`` of iptables: the begin of a connection has an equal, impossible flags are dropped anyway."""

from __future__ import annotations

from typing import Final

from .convert_matches import NoEqualError

#: what ``--syn`` stands for
SYN_ALONE: Final = ("FIN,SYN,RST,ACK", "SYN")
_ALL: Final = frozenset(("FIN", "SYN", "RST", "PSH", "ACK", "URG"))
#: never in one segment: RFC 9293, section 3.10.7.4
_IMPOSSIBLE: Final = (frozenset(("SYN", "FIN")), frozenset(("SYN", "RST")), frozenset(("FIN", "RST")))


def flags_begin(flags: tuple[str, ...], negated: bool) -> None:
    """Return if the flags, a mask and those of it that are set, are those of a connection's first segment.

    :raises NoEqualError: they are others; the text says what drops such segments, or that nothing does
    """
    if len(flags) != 2:
        raise NoEqualError("--tcp-flags without a mask and flags")
    mask, given = (_set_of(words) for words in flags)
    begin = "SYN" in given and given <= {"SYN"} and {"SYN", "ACK"} <= mask
    if begin and not negated:
        return
    if begin:
        raise NoEqualError(
            "connections whose start was not seen are dropped by `failure: {midstream: drop-flow}`, "
            "and by the plugin `stream` segments that belong to none"
        )
    if not negated and _never_sent(mask, given):
        raise NoEqualError("the plugin `stream` drops segments with impossible flags by itself")
    raise NoEqualError(f"the flags {flags[1]} of {flags[0]} have no equal")


def _set_of(words: str) -> frozenset[str]:
    return _ALL if words == "ALL" else frozenset(() if words == "NONE" else words.split(","))


def _never_sent(mask: frozenset[str], given: frozenset[str]) -> bool:
    """Return True if no segment of a connection has these flags: contrary ones, or neither ACK nor SYN nor RST."""
    begins_none = "FIN" in given or {"SYN", "RST"} <= mask - given
    return any(pair <= given for pair in _IMPOSSIBLE) or ("ACK" in mask - given and begins_none)
