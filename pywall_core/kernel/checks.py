"""What a machine needs to run the firewall: each check says what is there, or which command brings it."""

from __future__ import annotations

import importlib
import importlib.util
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ..installed import entry_points
from ..stale import stale_modules
from . import command, foreign_marks, machine, privileges
from .command import CommandError
from .firewall import Firewall
from .iptables import wanted_variant
from .marks import Marks
from .ruleset import Plan
from .rundir import RunDir

#: bytes that are copied of a packet at most (``sources.nfqueue.MAX_RANGE``)
_COPIED: Final = 3584
_IPTABLES: Final = "apt-get install iptables"


@dataclass(frozen=True, slots=True)
class Check:
    """``ok`` None: it could not be looked at. ``remedy`` is a command, or empty."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def checks() -> Iterator[Check]:
    """All checks, in the order in which one would mend things. Nothing is changed."""
    for look in (
        _python,
        _compiled,
        _netfilterqueue,
        _plugins,
        _rights,
        _iptables,
        _marks,
        _ipv6,
        _instance,
        *_machine(),
    ):
        yield look()


def _machine() -> Iterator[Callable[[], Check]]:
    """The state of this machine's network."""
    looks: dict[str, Callable[[], machine.Finding]] = {
        "queues": lambda: machine.queues(machine.own_queues()),
        "conntrack": machine.connections,
        "MTU": lambda: machine.links(_COPIED),
        "offloads": machine.offloads,
        "MPTCP": machine.multipath,
        "rules left": lambda: machine.rules_left(is_running()),
    }
    for name, look in looks.items():
        yield lambda name=name, look=look: Check(name, *look())  # type: ignore[misc]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), version, "apt-get install python3.11")


def _compiled() -> Check:
    """An unknown answer, not a missing thing, when nothing is compiled: everything works without, at half the speed."""
    name = "compiled modules"
    if stale := stale_modules():
        remedy = f"make compiled (from a clone), or remove them: rm {' '.join(map(str, stale))}"
        return Check(name, False, f"{len(stale)} older than their sources: {stale[0].name} ...", remedy)
    spec = importlib.util.find_spec("pywall_core.packet.decode")
    if spec is not None and str(spec.origin).endswith(".so"):
        return Check(name, True, "the packet's way is compiled")
    return Check(name, None, "the packet's way runs as plain Python, at half the speed")


def _netfilterqueue() -> Check:
    if importlib.util.find_spec("netfilterqueue") is None:
        remedy = (
            "apt-get install build-essential python3-dev libnetfilter-queue-dev && "
            f"{sys.executable} -m pip install NetfilterQueue"
        )
        return Check("NetfilterQueue", False, "not installed", remedy)
    try:
        importlib.import_module("netfilterqueue")  # the queue source is the only module that uses it
    except ImportError as error:
        return Check("NetfilterQueue", False, str(error), "apt-get install libnetfilter-queue1")
    return Check("NetfilterQueue", True, version("NetfilterQueue"))


def _plugins() -> Check:
    names = sorted({point.name for point in entry_points(group="pywall.plugins")})
    remedy = f"{sys.executable} -m pip install ./plugins/* (in a clone of PyWall)"
    return Check("plugins", bool(names), f"{len(names)} installed" if names else "none", "" if names else remedy)


def _rights() -> Check:
    able = privileges.has(privileges.CAP_NET_ADMIN)
    return Check("CAP_NET_ADMIN", able, "yes" if able else "no", "" if able else "sudo pywall doctor")


def _iptables() -> Check:
    try:
        firewall = Firewall(RunDir(), wanted_variant())
    except CommandError as error:
        return Check("iptables", False, str(error), _IPTABLES)
    if not privileges.has(privileges.CAP_NET_ADMIN):
        return Check("iptables", None, f"{firewall.variant}; its rules cannot be tried without CAP_NET_ADMIN")
    try:
        firewall.test(Plan(hooks=("INPUT", "OUTPUT", "FORWARD"), queue=1, workers=2))
    except CommandError as error:
        remedy = "modprobe -a nfnetlink_queue xt_NFQUEUE xt_connmark xt_conntrack xt_mark xt_statistic xt_REJECT"
        return Check("iptables", False, str(error), remedy)
    return Check("iptables", True, f"{firewall.variant}, {command.find('iptables')}; takes our rules")


def _marks() -> Check:
    if not privileges.has(privileges.CAP_NET_ADMIN):
        return Check("marks", None, "the rules of others cannot be seen without CAP_NET_ADMIN")
    found = foreign_marks.uses()
    running = RunDir().recall("marks")
    free = foreign_marks.choose(found)
    mask = Marks.from_json(running[-1]).mask if running else free
    shared = foreign_marks.conflicts(found, mask)
    if not shared:
        return Check("marks", True, f"{mask:#010x}; nobody else uses these bits")
    remedy = "pywall reload" if not foreign_marks.conflicts(found, free) else "set queue.mark_mask to other bits"
    more = f" and {len(shared) - 1} more use" if len(shared) > 1 else " uses"
    return Check("marks", None, f"{shared[0].where}{more} bits of {mask:#010x}: such packets are not carried", remedy)


def _ipv6() -> Check:
    there = Path("/proc/net/if_inet6").exists()
    return Check("IPv6", True, "filtered as well" if there else "the kernel has none: only IPv4 is filtered")


def _instance() -> Check:
    if not privileges.has(privileges.CAP_NET_ADMIN):
        return Check("other instance", None, "cannot be seen without root")
    runs = "one runs" if is_running() else "none runs"
    return Check("other instance", True, f"{runs} in this network namespace (pywall status)")


def is_running() -> bool:
    """Return whether a firewall runs in this network namespace, as far as this user may see."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(RunDir().socket))
        except OSError:
            return False
    return True
