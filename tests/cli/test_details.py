"""What ``pywall plugins show`` says: types of options in words, and where a distribution is at home."""

from __future__ import annotations

from importlib import metadata
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, Field

from pywall_core.cli.details import details, homepage, print_details, type_words
from pywall_core.config import loads
from pywall_core.plugins.loader import assemble


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 65535}, "integer 1 to 65535"),
        ({"type": "integer", "minimum": 1}, "integer"),
        ({"enum": ["on", "off"]}, "on | off"),
        ({"const": "auto"}, "auto"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"type": "array"}, "list of any"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "string"}]}, "string or null"),
        ({"$ref": "#/$defs/Redis"}, "section"),
        ({}, "any"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema) == words


class Lamp:
    """A lamp that shows drops,
    in red.

    More about it.
    """

    api_version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("stream",)

    class Options(BaseModel):
        color: Literal["red", "green"] = "red"
        pin: int = Field(ge=0, le=40, description="number of the pin")


def test_a_plugin_describes_itself(capsys: pytest.CaptureFixture[str]) -> None:
    plugins = assemble(loads(b"version: 1\n", "p.yaml"), [("lamp", Lamp())])
    (loaded,) = plugins.loaded
    shown = details(loaded)
    assert shown["about"] == "A lamp that shows drops, in red."
    assert shown["requires"] == ["stream"]
    assert shown["options"]["color"] == {"type": "red | green", "default": "red", "about": ""}
    assert shown["options"]["pin"] == {"type": "integer 0 to 40", "default": "required", "about": "number of the pin"}
    print_details(shown)
    lines = capsys.readouterr().out.splitlines()
    assert "requires      stream" in lines
    assert "  pin            integer 0 to 40, default required: number of the pin" in lines


@pytest.mark.parametrize(
    ("addresses", "home"),
    [
        (["Source, https://code.example", "Homepage, https://home.example"], "https://home.example"),
        (["Source, https://code.example"], "https://code.example"),
        ([], ""),
    ],
)
def test_where_it_is_at_home(monkeypatch: pytest.MonkeyPatch, addresses: list[str], home: str) -> None:
    class Metadata:
        def get_all(self, name: str, other: list[str]) -> list[str]:
            return addresses or other

    monkeypatch.setattr(metadata, "metadata", lambda name: Metadata())
    assert homepage("pywall-lamp") == home


def test_a_plugin_without_a_distribution_has_no_home() -> None:
    assert homepage("no-such-distribution") == ""
