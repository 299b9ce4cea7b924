"""What a policy allows but its author hardly meant, each with a code: the second half of ``pywall check``.

Each check notes its findings by ``config.warn``; nothing here is an error, and ``# pywall: ignore[W010]`` in its line
silences one. The codes are listed in ``docs/reference/warnings.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..config import BoundRule, Config
from .hooks import lint_hooks
from .kinds import lint_kinds
from .mtu import lint_mtu
from .order import lint_order
from .outputs import lint_outputs
from .session import lint_session
from .shadow import lint_shadows
from .traffic import lint_traffic
from .user import lint_user

if TYPE_CHECKING:
    from ..plugins.registry import Plugins

__all__ = ["lint", "lint_rules"]


def lint(config: Config, plugins: Plugins, chains: Mapping[str, list[BoundRule]]) -> None:
    """Warn of everything suspicious in a configuration that has no errors, as this machine would run it."""
    if "version" not in config.given:
        config.warn((), "W004", "no version: begin the file with 'version: 1'")
    lint_hooks(config)
    lint_outputs(config, plugins, chains)
    lint_user(config)
    lint_rules(config, plugins, chains)
    lint_traffic(config, plugins)
    lint_session(config, plugins)


def lint_rules(config: Config, plugins: Plugins, chains: Mapping[str, list[BoundRule]]) -> None:
    """Warn of what can be told from the rules alone: nothing is run with the plugins, so that a firewall may do it."""
    lint_order(config, plugins)
    lint_mtu(config, chains)
    lint_kinds(config, chains)
    lint_shadows(config, chains)
