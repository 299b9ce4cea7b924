"""What ``pywall plugins show`` says about a plugin."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

from ..plugins.docstrings import docstring
from ..plugins.facts import declared_facts

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..plugins.plugin import Plugin


def homepage(distribution: str) -> str:
    """Return what the distribution's metadata give as its homepage, or its first other address; empty where there is
    none.
    """
    try:
        metadata = importlib.metadata.metadata(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
    addresses = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    home = {name.lower(): address for name, address in addresses.items()}.get("homepage")
    return str(home or next(iter(addresses.values()), ""))


def details(plugin: Plugin) -> dict[str, Any]:
    """Return what a loaded plugin says about itself."""
    doc = docstring(plugin.obj)
    return {
        "provides": list(plugin.provides),
        "requires": list(getattr(plugin.obj, "requires", ())),
        "after": list(getattr(plugin.obj, "after", ())),
        "protocols": list(getattr(plugin.obj, "protocols", ())),
        "facts": declared_facts(plugin.obj) or [],
        "rule kinds": _rule_kinds(plugin),
        "about": " ".join(doc.partition("\n\n")[0].split()),
        "options": _options(plugin),
    }


def _rule_kinds(plugin: Plugin) -> list[str]:
    from ..plugins.rule_registry import RuleRegistry

    registry = RuleRegistry()
    if "rules" in plugin.hooks:
        plugin.obj.pywall_rules(register=registry)
    return sorted(registry.kinds)


def _options(plugin: Plugin) -> dict[str, dict[str, Any]]:
    """Options with their type, default and description."""
    model: type[BaseModel] | None = getattr(plugin.obj, "Options", None)
    if model is None:
        return {}
    schema = model.model_json_schema(by_alias=True).get("properties", {})
    return {
        (key := field.alias or name): {
            "type": type_words(schema[key]),
            "default": "required" if field.is_required() else field.get_default(call_default_factory=True),
            "about": field.description or "",
        }
        for name, field in model.model_fields.items()
    }


def type_words(schema: dict[str, Any]) -> str:
    """Return the type of a value, from its JSON schema: ``integer 1 to 65535``, ``on | off``, ``list of string``."""
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_words(part) for part in schema["anyOf"]))
    if "$ref" in schema:
        return "section"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    low, high = schema.get("minimum"), schema.get("maximum")
    return f"{kind} {low} to {high}" if low is not None and high is not None else kind


def print_details(shown: dict[str, Any]) -> None:
    """A line for each of ``shown``, and one for each option."""
    for key, value in shown.items():
        if key == "options":
            print("options")
            for name, option in value.items():
                print(f"  {name:14} {option['type']}, default {option['default']}: {option['about']}")
        else:
            print(f"{key:13} {', '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}".rstrip())
