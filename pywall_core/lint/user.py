"""The user that workers run as: one that is not there keeps the firewall from starting."""

from __future__ import annotations

import pwd

from ..config import Config, nearest


def lint_user(config: Config) -> None:
    """Note a user of ``run:`` that this machine does not know."""
    name = config.run.user
    if name is None:
        return
    known = [entry.pw_name for entry in pwd.getpwall()]
    try:
        pwd.getpwnam(name)
    except KeyError:
        config.warn(("run", "user"), "W033", f"there is no user {name!r} here{nearest(name, known)}")
