"""The schema for editors takes every policy of the project: ready-made ones, those of the pages, the cookbook's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pywall_core.cli import main
from pywall_core.config import ConfigError, policies
from pywall_core.config.yaml_reader import parse
from pywall_core.plugins.discovery import entry_points

ROOT = Path(__file__).parents[2]
#: every plugin of ours that is named in a policy, with the options that it needs
PLUGINS: list[Any] = [
    *("rules", "stream", "protocols", "hedge", "metrics", "carriers", "process"),
    {"export": {"url": "redis://broker.example:6379"}},
    {"otlp": {"url": "http://collector.example:4318"}},
    {"webhook": {"url": "https://hook.example/"}},
    {"mail": {"server": "mail.example", "to": ["a@mail.example"], "sender": "b@mail.example"}},
]


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    policy = tmp_path_factory.mktemp("schema") / "all.yaml"
    policy.write_text(yaml.safe_dump({"version": 1, "plugins": PLUGINS}))
    with pytest.MonkeyPatch.context() as patch:
        printed: list[Any] = []
        patch.setattr("pywall_core.cli.check.print_json", printed.append)
        assert main(["check", "--schema", "--config", str(policy)]) == 0
    schema = json.loads(json.dumps(printed[0]))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the policies of the pages, and the cookbook's recipes as policies."""
    for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("plugins/*/README.md"))):
        for number, block in enumerate(re.findall(r"```ya?ml\n(.*?)```", page.read_text(), re.DOTALL)):
            try:
                data = parse(block.encode(), "").data
            except ConfigError:
                continue
            if isinstance(data, dict) and "version" in data:
                yield f"{page.relative_to(ROOT)} {number}", data
            elif isinstance(data, dict) and page.name == "cookbook.md":
                sections = ("plugins", "sets", "default", "chains", "vars", "mode", "detection")
                chains = {name: data.pop(name) for name in [*data] if name not in sections}
                yield f"cookbook {number}", {**data, "chains": {**data.get("chains", {}), **chains}}


PAGES = list(pages())
INSTALLED = {point.name for point in entry_points()}


def test_there_are_pages() -> None:
    assert len([place for place, _ in PAGES if place.startswith("cookbook")]) >= 40
    assert len(PAGES) >= 50


@pytest.mark.parametrize(("place", "policy"), PAGES, ids=[place for place, _ in PAGES])
def test_policies_of_the_pages(validator: Any, place: str, policy: dict[str, Any]) -> None:
    named = {entry if isinstance(entry, str) else next(iter(entry)) for entry in policy.get("plugins") or ()}
    if not named <= INSTALLED:  # a plugin that the page's reader is to write
        policy = {key: value for key, value in policy.items() if key != "plugins"}
    errors = list(validator.iter_errors(policy))
    assert [(list(error.absolute_path), error.message[:200]) for error in errors] == []


@pytest.mark.parametrize("name", policies())
def test_ready_made_policies(validator: Any, name: str) -> None:
    text = (ROOT / "pywall_core" / "policies" / f"{name}.yaml").read_bytes()
    validator.validate(parse(text, name).data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"plugins": ["rulez"]},
        {"plugins": [{"hedge": {"treshold": 1}}]},
        {"plugins": [{"protocols": {"exept": []}}]},
        {"chains": {"INPUT": [{"rule": "port", "dts": 22, "action": "DROP"}]}},
        {"chains": {"INPUT": [{"rule": "port", "dst": 22, "action": "DROP", "add": {"sett": "x"}}]}},
    ],
)
def test_mistakes_are_underlined(validator: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(wrong)
