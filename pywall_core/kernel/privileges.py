"""Capabilities and process attributes, by prctl(2) and capset(2).

Numbers: ``linux/capability.h``, ``linux/prctl.h``.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from typing import Final

CAP_DAC_READ_SEARCH: Final = 2
CAP_KILL: Final = 5
CAP_SETGID: Final = 6
CAP_SETUID: Final = 7
CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
CAP_SYS_PTRACE: Final = 19
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_KEEPCAPS: Final = 8
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int = 0) -> None:
    if _libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def effective() -> int:
    """Return the effective capabilities as a bit mask."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def has(capability: int) -> bool:
    """Return whether the process may use a capability now."""
    return bool(effective() >> capability & 1)


def die_with_parent(parent: int, signal: int) -> None:
    """Have the kernel send ``signal`` when the parent ends.

    :raises ProcessLookupError: process ``parent`` has ended already
    """
    _prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        raise ProcessLookupError(f"the parent is {os.getppid()}, not {parent}")


def keep_only(capabilities: Iterable[int], user: str | None = None) -> None:
    """Give up all capabilities but these, for good: also in commands run later. Become ``user``, if one is named.

    :raises OSError: the kernel refused
    :raises KeyError: there is no such user
    """
    keep = set(capabilities)
    for capability in range(64):
        if capability not in keep:
            try:
                _prctl(_PR_CAPBSET_DROP, capability)
            except OSError:
                break  # beyond the last capability of this kernel, or not allowed (then none was)
    if user is not None:
        entry = pwd.getpwnam(user)
        _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([group.gr_gid for group in grp.getgrall() if user in group.gr_mem])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _capset(sum(1 << capability for capability in keep))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _capset(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if _libc.capset(header, data):
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")
