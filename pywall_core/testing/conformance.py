"""Holds a loaded plugin to the contracts of its hooks: what ``pywall plugins check`` does.

Detectors and rule kinds meet the suites of :mod:`pywall_core.testing`; every plugin meets an engine full of noise.
A plugin may say what it is tried on: ``examples`` of a detector are dialogues that it detects, as pairs of the
client's and the server's bytes; ``examples`` of a rule kind are parameters.
"""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from ..api import API_VERSION
from ..detection.detectors import Detector
from ..model.packet import INPUT, OUTPUT, Packet
from ..model.verdict import MORE, NO, Answer, Facts
from ..packet.decode import decode

if TYPE_CHECKING:
    from ..config import Config
    from ..model.rule_kind import RuleKind
    from ..plugins.plugin import Plugin
    from ..plugins.registry import Plugins

#: conversations of the noise; a packet or more each
CONVERSATIONS: Final = 200
_QUESTION: Final = b"\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"
#: starts of common protocols: a detector may know them or not, its contract holds for them in any case
DIALOGUES: Final = (
    (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    (b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"),
    (b"EHLO a.example\r\n", b"220 b.example ESMTP\r\n250 b.example\r\n"),
    (
        b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(32) + b"\0\0\x02\x13\x01\x01\0",
        b"\x15\x03\x03\0\2\2\x28",
    ),
    (
        b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1",
        b"\x12\x34\x81\x83\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1",
    ),
    (b"\xe3\0\6\xec" + bytes(44), b"\x24\1\6\xec" + bytes(44)),
    (bytes(range(256)), bytes(range(255, -1, -1))),
)


@dataclass(slots=True, frozen=True)
class Result:
    """One thing that was tried. ``problem`` is empty where the contract was kept; ``tried`` is False where there was
    nothing to try it on, which ``problem`` then explains."""

    plugin: str
    what: str
    problem: str = ""
    tried: bool = True


@contextmanager
def _profile(name: str) -> Iterator[None]:
    """Have hypothesis' settings of that name hold meanwhile: a caller's own tests go on with theirs."""
    from hypothesis import configuration, settings

    before = settings.get_current_profile_name()
    settings.load_profile(name)
    try:
        yield
    finally:
        settings.load_profile(before)
        configuration.set_hypothesis_home_dir(None)


def examine(name: str, config: Config, plugins: Plugins, *, examples: int = 30) -> Iterator[Result]:
    """Try the plugin ``name``, or all that the bundle of that name brings; ``examples`` inputs for each property.

    Raises ImportError when hypothesis is not installed.
    """
    from hypothesis import configuration, settings

    place = next(plugin.place for plugin in plugins.loaded if plugin.name == name or _entry(config, plugin) == name)
    parts = [p for p in plugins.loaded if p.name == name] or [p for p in plugins.loaded if p.place == place]
    settings.register_profile("pywall", database=None, derandomize=True, deadline=None, print_blob=False)
    with tempfile.TemporaryDirectory() as folder, _profile("pywall"):
        configuration.set_hypothesis_home_dir(folder)
        for plugin in parts:
            yield _version(plugin)
            yield from _options(plugin)
            if "detect" in plugin.hooks:
                yield from _detector(plugin, plugins, examples)
            if "classify" in plugin.hooks:
                yield _classifier(plugin)
        owners = {plugin.name for plugin in parts}
        for kind, owner in plugins.registry.owner.items():
            if owner in owners:
                yield from _rule_kind(owner, plugins.registry.kinds[kind], examples)
        yield from _noise(parts, config, plugins)


def _entry(config: Config, plugin: Plugin) -> str:
    return config.plugins[plugin.place].name


def _version(plugin: Plugin) -> Result:
    """Return whether the plugin says for which API it was written: another one is refused at start."""
    stated = hasattr(plugin.obj, "api_version")
    problem = "" if stated else f"no attribute `api_version`; write api_version = {API_VERSION}"
    return Result(plugin.name, "states the version of the API", problem)


def _options(plugin: Plugin) -> Iterator[Result]:
    model: type[BaseModel] | None = getattr(plugin.obj, "Options", None)
    if model is None:
        return
    bare = [key for key, field in model.model_fields.items() if not field.description]
    yield Result(plugin.name, "options are described", f"no description: {', '.join(bare)}" if bare else "")
    forbidden = model.model_config.get("extra") == "forbid"
    message = "" if forbidden else 'Options take unknown keys; model_config = ConfigDict(extra="forbid")'
    yield Result(plugin.name, "misspelt options are refused", message)


def _detector(plugin: Plugin, plugins: Plugins, examples: int) -> Iterator[Result]:
    from . import Conversation, detector_contract

    (detector,) = (d for d in plugins.detectors.all if d.name == plugin.name)
    positives = list(getattr(plugin.obj, "examples", ()))
    for carrier in detector.transports:
        own = [p for p in positives if (p.transport if isinstance(p, Conversation) else _first(detector)) == carrier]
        suite = detector_contract(plugin.obj, own, others=DIALOGUES, transport=carrier, examples=examples)
        empty = {"detects_no_negative"} if own else {"detects_no_negative", "detects_every_positive"}
        yield from _run(plugin.name, f"detect over {carrier}", suite, empty)
    if not positives:
        message = "name dialogues that it detects in its attribute `examples`"
        yield Result(plugin.name, "detects its own protocol", message, tried=False)


def _first(detector: Detector) -> str:
    return detector.transports[0]


def _rule_kind(owner: str, kind: type[RuleKind], examples: int) -> Iterator[Result]:
    from . import rule_contract

    parameters = [dict(example) for example in kind.examples] or list(_derived(kind))
    if parameters:
        yield from _run(owner, f"rule {kind.kind}", rule_contract(kind, parameters, examples=examples))
    else:
        message = "no parameters are known that it takes: name some in its attribute `examples`"
        yield Result(owner, f"rule {kind.kind}", message, tried=False)


def _derived(kind: type[RuleKind]) -> Iterator[dict[str, Any]]:
    """Parameters that the kind accepts, by its JSON schema: what is required, and each optional one besides."""
    schema = kind.model_json_schema(by_alias=True)
    properties = schema.get("properties", {})
    least = {name: _value(properties[name]) for name in schema.get("required", ())}
    for more in ({}, *({name: _value(part)} for name, part in properties.items() if name not in least)):
        try:
            kind.model_validate({**least, **more})
        except ValidationError:
            continue
        yield {**least, **more}


def _value(schema: dict[str, Any]) -> Any:
    """The first value that a JSON schema allows, as far as its own words tell."""
    for keyword in ("examples", "enum"):
        if schema.get(keyword):
            return schema[keyword][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return _value(schema["anyOf"][0])
    match schema.get("type"):
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "array":
            return [_value(schema.get("items", {}))]
    return "x" * max(1, schema.get("minLength", 1))


def _run(owner: str, what: str, suite: type, empty: Collection[str] = ()) -> Iterator[Result]:
    """The tests of a suite, one result each; those that are ``empty`` have nothing to look at."""
    tests = [name.removeprefix("test_") for name in dir(suite) if name.startswith("test_")]
    for name in sorted(set(tests) - set(empty)):
        problem = ""
        try:
            getattr(suite(), f"test_{name}")()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            notes = [" ".join(note.split()) for note in getattr(error, "__notes__", ())]
            line = traceback.extract_tb(error.__traceback__)[-1].line
            problem = "; ".join([str(error) or f"{type(error).__name__}: {line}", *notes])[:600]
        yield Result(owner, f"{what}: {name.replace('_', ' ')}", problem)


def _classifier(plugin: Plugin) -> Result:
    """Fed with payload in pieces, for two flows alone and in turns."""
    random = Random(1)
    payloads = [[random.randbytes(random.randint(1, 1460)) for _ in range(60)] for _ in range(2)]
    problem = ""
    try:
        alone = [_classified(plugin, [pieces])[0] for pieces in payloads]
        if _classified(plugin, payloads) != alone:
            problem = "two flows that are looked at in turns get other answers than alone"
    except AssertionError as error:
        problem = str(error)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return Result(plugin.name, "classify: answers are declared, and flows share no state", problem)


def _classified(plugin: Plugin, flows: Sequence[Sequence[bytes]]) -> list[Answer | Facts]:
    from . import make_flow

    declared = set(getattr(plugin.obj, "facts", ()))
    kept = [make_flow() for _ in flows]
    answers: list[Answer | Facts] = [MORE for _ in flows]
    for pieces in zip(*flows, strict=True):
        for at, piece in enumerate(pieces):
            if answers[at] is MORE:
                answer = answers[at] = plugin.obj.pywall_classify(kept[at], True, piece)
                assert isinstance(answer, Facts) or answer in (MORE, NO), f"{answer!r} is neither Facts, MORE nor NO"
                unknown = set(answer) - declared if isinstance(answer, Facts) else set()
                assert not unknown, f"facts that `facts` does not declare: {', '.join(sorted(unknown))}"
    return answers


def _noise(parts: Sequence[Plugin], config: Config, plugins: Plugins) -> Iterator[Result]:
    """The plugin in its configuration, over packets of every sort: nothing may raise, all it says must be JSON."""
    from ..engine.engine import Engine

    names = {plugin.name for plugin in parts}
    problems: list[str] = []

    def sink(event: dict[str, Any]) -> None:
        try:
            json.dumps(event)
        except (TypeError, ValueError) as error:
            problems.append(f"{event.get('event_type')} event: {error}")

    engine = Engine(config, plugins, live=False, sink=sink)
    for packet in noise():
        engine.process(packet)
    engine.close()
    stats = engine.stats()["plugins"]
    for name, counters in stats.items():
        try:
            json.dumps(counters)
        except (TypeError, ValueError) as error:
            problems += [f"stats: {error}"] if name in names else []
    failed = [
        f"{name}: {found.errors} errors, the last: {found.last}" for name, found in engine.failures.by_plugin.items()
    ]
    mine = [line for line in failed if line.partition(":")[0] in {*names, "rules"}]
    where = ", ".join(sorted({_entry(config, plugin) for plugin in parts}))
    yield Result(where, f"noise: no hook raises over {engine.packets} packets", "; ".join(mine)[:600])
    yield Result(where, "noise: events and counters are JSON", "; ".join(problems[:3]))


def noise(conversations: int = CONVERSATIONS, seed: int = 1) -> Iterator[Packet]:
    """Dialogues of common protocols and of random bytes, over IPv4 and IPv6, TCP and UDP: cut, out of order, repeated,
    with lost, damaged and truncated packets."""
    from . import conversation

    random = Random(seed)
    for number in range(conversations):
        four = random.random() < 0.7
        ends = ("192.0.2.1", "198.51.100.2") if four else ("2001:db8::1", "2001:db8::2")
        client, server = ((address, random.randint(1, 65535)) for address in ends)
        talk = conversation(random.choice(("tcp", "udp")), client, server, start=1_700_000_000.0 + number)
        for question, answer in random.choices(DIALOGUES, k=random.randint(1, 3)):
            talk = talk.client(question if random.random() < 0.6 else random.randbytes(random.randint(1, 1400)))
            talk = talk.server(answer if random.random() < 0.6 else random.randbytes(random.randint(1, 1400)))
        if talk.transport == "tcp":
            talk = random.choice((talk, talk.split(random.randint(5, 500)), talk.reset(), talk.close()))
        talk = random.choice((talk, talk.reorder(random), talk.duplicate(), talk.fragments(64), talk.lose(0)))
        for packet in talk:
            data = bytearray(packet.data)
            if random.random() < 0.1:
                data[random.randrange(len(data))] = random.randrange(256)
            if random.random() < 0.05:
                del data[random.randrange(len(data)) :]
            yield decode(bytes(data), packet.time, INPUT if packet.to_server else OUTPUT)
