"""The plugin ``protocols``: every detector of this distribution, in an order where no guess precedes a proof."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .answered_names import NAME
from .answers import DnsAnswers
from .detectors import find_detectors

#: What a detector's ``tier`` may be, in the order in which they are asked.
TIERS: Final = {
    "exact": "a magic value or text that nothing else begins with, or values that must agree with each other",
    "structural": "fields whose values and lengths fit each other, over the whole message",
    # until the server has spoken, whatever the client sends does not refute these, so that nothing else waits for them
    "server_first": "the server speaks first, and says what it is",
    "heuristic": "a few fields over several packets",
    "announced": "what a related flow announced, where the content is nothing else",
}
#: Name of each detector, and its module below this package.
DETECTORS: Final = find_detectors(Path(__file__).parent)


class Protocols:
    """Loads all detectors, or all but some."""

    api_version = 1

    class Options(BaseModel):
        """Options of the plugin ``protocols``."""

        model_config = ConfigDict(extra="forbid", populate_by_name=True)

        except_: list[str] = Field(default=[], alias="except", description="names of detectors to leave out")

        @field_validator("except_")
        @classmethod
        def _known(cls, names: list[str]) -> list[str]:
            for name in names:
                if name not in DETECTORS:
                    raise ValueError(f"{name!r} is not a detector; allowed are {', '.join(sorted(DETECTORS))}")
            return names

    def __init__(self, options: Options | None = None) -> None:
        self._left_out = frozenset(options.except_ if options else ())

    def detectors(self) -> list[tuple[str, ModuleType]]:
        """Return name and module of each detector, in the order in which they are asked: by tier, then by name."""
        tiers = list(TIERS)
        modules = [(name, load(name)) for name in sorted(DETECTORS) if name not in self._left_out]
        return sorted(modules, key=lambda named: tiers.index(named[1].tier))

    def plugins(self) -> list[tuple[str, object]]:
        """Return name and plugin of each detector, and behind them what remembers the answers of DNS."""
        return [*self.detectors(), *([] if "dns" in self._left_out else [(NAME, DnsAnswers())])]


def load(name: str) -> ModuleType:
    """Return the module of the detector ``name``. Raises KeyError when there is none."""
    return import_module(f"{__package__}.{DETECTORS[name]}")
