"""The JSON schema of a configuration, with the rule kinds and options of the plugins at hand: for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .model import Config
from .set_addition import SetAddition

Schema = dict[str, Any]
#: types of values that no text is
_PLAIN: Final = ("integer", "number", "boolean")
_REF = "#/$defs/{model}"


def json_schema(
    kinds: Mapping[str, type[RuleKind]],
    options: Mapping[str, type[BaseModel] | None],
    names: Mapping[str, Iterable[str]] | None = None,
    others: Iterable[str] = (),
) -> Schema:
    """JSON Schema 2020-12. ``options`` maps plugin names to their models of options (None: it takes none), ``others``
    are plugins whose options are not known.

    ``names`` are those that an editor may offer, by what they are names of ("fact", "protocol"): a field of a rule kind
    says by ``json_schema_extra={"x-pywall": "fact"}`` that it takes one.
    """
    schema: Schema = Config.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions: Schema = schema["$defs"]
    definitions["add"] = _model(SetAddition, definitions)
    heads: list[Schema] = []
    for name, kind in sorted(kinds.items()):
        definitions[f"rule:{name}"] = _part(_model(kind, definitions), {"rule": {"const": name}})
        heads.append({"$ref": f"#/$defs/rule:{name}"})
    for name in ("all", "any"):
        parts = {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1}
        heads.append(_part({"properties": {}}, {name: parts}))
    heads.append(_part({"properties": {}}, {"not": {"$ref": "#/$defs/rule"}}))
    definitions["include"] = {
        "type": "object",
        "properties": {"include": {"type": "string", "description": "a file that holds a list of rules"}},
        "required": ["include"],
        "additionalProperties": False,
    }
    heads.append({"$ref": "#/$defs/include"})
    definitions["rule"] = {"anyOf": heads}
    schema["properties"]["include"] = {
        "description": "files, folders or patterns whose chains and variables are put before this file's",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    schema["properties"]["vars"] = {
        "type": "object",
        "description": "values by name, used as ${name}; ${env:NAME} reads the environment here",
    }
    schema["properties"]["chains"]["additionalProperties"] = {
        "type": ["array", "null"],
        "items": {"$ref": "#/$defs/rule"},
    }
    entries = _plugin_entries(options, others, definitions)
    if entries:
        schema["properties"]["plugins"]["items"] = {"anyOf": entries}
    for name in kinds:
        for field in definitions[f"rule:{name}"]["properties"].values():
            offered = sorted((names or {}).get(field.pop("x-pywall", ""), ()))
            if offered:
                plain = {key: field.pop(key) for key in ("type", "anyOf", "items", "minLength") if key in field}
                one = {"enum": offered}
                field["anyOf"] = [one, {"type": "array", "items": one}, plain]
    _allow_variables(schema)
    definitions["variable"] = {"type": "string", "pattern": r"\$\{[^}]+\}", "description": "a value of vars"}
    return schema


def _allow_variables(part: Any) -> None:
    """Let ``${name}`` stand where a number, a truth or one of some words does."""
    if isinstance(part, list):
        for one in part:
            _allow_variables(one)
        return
    if not isinstance(part, dict):
        return
    for one in part.values():
        _allow_variables(one)
    if part.get("type") in _PLAIN or (part.get("type") == "string" and ("enum" in part or "pattern" in part)):
        leaf = {key: part.pop(key) for key in [*part] if key not in ("description", "default", "title")}
        part["anyOf"] = [leaf, {"$ref": "#/$defs/variable"}]


def _plugin_entries(
    options: Mapping[str, type[BaseModel] | None], others: Iterable[str], definitions: Schema
) -> list[Schema]:
    """Return what an entry of ``plugins`` may be: a name, or a name with options."""
    entries: list[Schema] = []
    for name, model in sorted(options.items()):
        entries.append({"const": name})
        if model is not None:
            entries.append(_options(name, {"anyOf": [_model(model, definitions), {"type": "null"}]}))
    for name in sorted(set(others) - set(options)):
        entries += [{"const": name}, _options(name, {"type": ["object", "null"]})]
    return entries


def kind_schema(kind: type[RuleKind]) -> Schema:
    """Return the schema of one rule kind's parameters."""
    return kind.model_json_schema(by_alias=True)


def _model(model: type[BaseModel], definitions: Schema) -> Schema:
    """Return a model's schema, its definitions moved to the whole's."""
    schema: Schema = model.model_json_schema(by_alias=True, ref_template=_REF)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _options(name: str, schema: Schema) -> Schema:
    """Return the schema of a plugin's entry with options: a mapping of its name to them."""
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _part(schema: Schema, head: Schema) -> Schema:
    common: Schema = {
        "action": {"type": "string", "description": f"{', '.join(Action.__members__)}, or a chain's name"},
        "observe": {"type": "boolean", "description": "report what it would do, do nothing"},
        "name": {"type": "string", "description": "what the rule is called wherever it is shown"},
        "comment": {"type": "string", "description": "words for events and listings"},
        "enabled": {"type": "boolean", "description": "false: the rule is checked and left out"},
        "add": {"$ref": "#/$defs/add"},
    }
    return {
        "type": "object",
        **schema,
        "properties": {**head, **common, **schema["properties"]},
        "required": [*head, *schema.get("required", ())],
        "additionalProperties": False,
    }
