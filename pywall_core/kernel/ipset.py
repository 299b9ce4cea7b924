"""Sets of addresses in the kernel (ipset), so that packets that a named set decides at sight are never queued.

One ``hash:net`` a set and family holds addresses and networks; an entry is one hash for each prefix length in use, and
changes cost no more in a large set than in a small one. iptables-nft and iptables-legacy both match them by xt_set.
Source: ipset(8).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from math import inf
from typing import Final

from .command import CommandError, run

log: Final = logging.getLogger("pywall.kernel")
PREFIX: Final = "PYWALL_"
#: the longest time to live that ipset takes, seconds
_LONGEST: Final = 2_147_483
#: entries in one call
_BATCH: Final = 50_000
_FAMILIES: Final = {4: "inet", 6: "inet6"}

#: an entry as people write it, and its time to live in seconds (inf: for good)
Entry = tuple[str, float]


def kernel_name(name: str, family: int) -> str:
    """Return what the kernel calls a named set."""
    return f"{PREFIX}{name}_{family}"


def family_of(entry: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in entry else 4


def available() -> bool:
    """Return True if the command ipset is installed."""
    return shutil.which("ipset") is not None


def create(name: str, most: int) -> None:
    """Create a set for both families, empty; one that a killed run left is emptied.

    :raises CommandError: ipset refuses it
    """
    lines = []
    for family, word in _FAMILIES.items():
        kernel = kernel_name(name, family)
        lines += [f"create {kernel} hash:net family {word} timeout 0 maxelem {most} -exist", f"flush {kernel}"]
    _restore(lines)


def add(name: str, entries: Iterable[Entry]) -> None:
    """Add entries, in batches. An entry that is there already gets the new time to live.

    :raises CommandError: ipset refuses one
    """
    batch: list[str] = []
    for line in _additions(name, entries):
        batch.append(line)
        if len(batch) == _BATCH:
            _restore(batch)
            batch = []
    if batch:
        _restore(batch)


def delete(name: str, entries: Iterable[str]) -> None:
    """Take entries out; those that are not there are passed over. :raises CommandError: ipset refuses one"""
    _restore([f"del {kernel_name(name, family_of(entry))} {entry} -exist" for entry in entries])


def destroy(names: Iterable[str]) -> None:
    """Remove sets; no rule may ask for them any more. Sets that are not there are passed over."""
    for name in names:
        for family in _FAMILIES:
            try:
                run(["ipset", "destroy", kernel_name(name, family)])
            except CommandError as error:
                log.debug("%s", error)


def left_over() -> list[str]:
    """Return the names of our sets in the kernel."""
    if not available():
        return []
    try:
        names = run(["ipset", "list", "-n"]).split()
    except CommandError:
        return []
    ours = {name[len(PREFIX) : -2] for name in names if name.startswith(PREFIX) and name[-2:] in ("_4", "_6")}
    return sorted(ours)


def _additions(name: str, entries: Iterable[Entry]) -> Iterator[str]:
    for entry, seconds in entries:
        kernel = kernel_name(name, family_of(entry))
        lifetime = 0 if seconds == inf else max(1, min(int(seconds + 0.5), _LONGEST))
        for part in _halves(entry):
            yield f"add {kernel} {part} timeout {lifetime} -exist"


def _halves(entry: str) -> tuple[str, ...]:
    """hash:net takes no prefix of length 0."""
    if entry == "0.0.0.0/0":
        return "0.0.0.0/1", "128.0.0.0/1"
    if entry == "::/0":
        return "::/1", "8000::/1"
    return (entry,)


def _restore(lines: list[str]) -> None:
    if lines:
        run(["ipset", "restore"], "\n".join(lines) + "\n", timeout=60)
