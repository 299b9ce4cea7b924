"""Plugins whose order decides: two that may say the same name of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import Config

if TYPE_CHECKING:
    from ..plugins.registry import Plugins


def lint_order(config: Config, plugins: Plugins) -> None:
    """Note each plugin that detects what one before it detects as well: the first to match is believed."""
    places = {plugin.name: plugin.place for plugin in plugins.loaded}
    first: dict[str, str] = {}
    for detector in plugins.detectors.all:
        for protocol in detector.protocols:
            other = first.setdefault(protocol, detector.name)
            if places[other] != places[detector.name]:
                config.warn(
                    ("plugins", places[detector.name]),
                    "W014",
                    f"{protocol!r} is detected by {other!r} too, which is listed before {detector.name!r} and is "
                    "believed first: put it behind if that is not meant",
                )
