"""Which capabilities the supervisor needs, says when they are missing, and keeps after the start."""

from __future__ import annotations

from typing import Final

from ..config import Config
from ..kernel import ipset, privileges
from ..plugins.helpers import are_helpers_installed

#: to begin workers as another user, and to end them
_FOR_USER: Final = frozenset({privileges.CAP_SETUID, privileges.CAP_SETGID, privileges.CAP_KILL})
#: to start a helper process again, or one that a reload is the first to ask for
_FOR_HELPERS: Final = frozenset({privileges.CAP_SYS_PTRACE, privileges.CAP_DAC_READ_SEARCH})


def why_not_enough(config: Config | None = None) -> str:
    """Return what is missing for a start, with ``config`` for this one; empty where nothing is."""
    if not privileges.has(privileges.CAP_NET_ADMIN):
        return "pywall run needs root (CAP_NET_ADMIN)"
    user = config.run.user if config is not None else None
    if user is None or all(privileges.has(capability) for capability in _FOR_USER):
        return ""
    return (
        f"run.user: {user} needs CAP_SETUID, CAP_SETGID and CAP_KILL; leave it out, or give them to the service: "
        "`systemctl edit pywall`, and below [Service] CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL"
    )


def keep_needed(config: Config, variant: str) -> None:
    """Give up all capabilities that the supervisor needs no more. ``variant`` is that of iptables: nft or legacy.

    Those that a unit or a container did not give are not asked for: what misses one says so when it is needed.

    :raises OSError: the kernel refused
    """
    keep = {privileges.CAP_NET_ADMIN}
    if variant == "legacy" or ipset.available():
        keep.add(privileges.CAP_NET_RAW)
    if config.run.user is not None:
        keep |= _FOR_USER
    if are_helpers_installed():
        keep |= _FOR_HELPERS
    privileges.keep_only({capability for capability in keep if privileges.has(capability)})
