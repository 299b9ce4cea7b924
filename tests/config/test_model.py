"""Every key of the configuration: defaults, refusals in words, the failure master."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywall_core.config import Config, ConfigError, Failure, load, policies
from pywall_core.model.packet import FORWARD, INPUT, OUTPUT
from pywall_core.model.verdict import Action


def complaints(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_the_least_configuration_takes_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\n")
    config = load(file)
    assert (config.queue.number, config.queue.workers, config.queue.hooks) == (1, 1, ["INPUT", "OUTPUT"])
    assert (config.detection.bytes, config.detection.packets, config.detection.all) == (16384, 32, None)
    assert config.mode == "enforce"
    assert config.default.action(INPUT) is Action.ACCEPT
    assert config.failure.plugin_error == "drop-packet"
    assert not config.problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("queue: {number: 70000}", "p.yaml:1:17: queue.number: 70000: should be less than or equal to 65535"),
        (
            "queue: {nubmer: 1}",
            "p.yaml:1:9: queue.nubmer: unknown key; did you mean 'number'? (allowed: batch, deal, gso,",
        ),
        ("plugin: []", "p.yaml:1:1: plugin: unknown key; did you mean 'plugins'?"),
        (
            "mode: obseve",
            "p.yaml:1:7: mode: 'obseve' is not allowed; did you mean 'observe'? (allowed: enforce, observe)",
        ),
        ("queue: {hooks: [INPUTT]}", "queue.hooks[0]: 'INPUTT' is not allowed; did you mean 'INPUT'?"),
        ("queue: {hooks: [INPUT, INPUT]}", "queue.hooks: duplicate entry 'INPUT'"),
        ("queue: {hooks: []}", "queue.hooks: a list: should have at least 1 item"),
        ("queue: {loopback: 1}", "queue.loopback: 1: should be true or false"),
        ("queue: {workers: true}", "queue.workers: true: should be a whole number"),
        ("queue: {workers: '2'}", "queue.workers: '2': should be a whole number"),
        ("queue: {number: 65535, workers: 2}", "queue: queue numbers 65535 to 65536 go beyond 65535"),
        ("queue: 3", "p.yaml:1:8: queue: 3: should be a mapping (key: value)"),
        ("chains: 1", "p.yaml:1:9: chains: 1: should be a mapping"),
        ("chains: 0.5", "p.yaml:1:9: chains: 0.5: should be a mapping"),
        ("failure: {stream: drop}", "failure.stream: 'drop' is not allowed; did you mean 'drop-flow'?"),
        ("default: DRPO", "p.yaml:1:10: default: 'DRPO' is not an action"),
        ("default: {INPUT: drop}", "default.INPUT: 'drop' is not allowed"),
        ("default: {INPTU: DROP}", "default.INPTU: unknown key; did you mean 'INPUT'?"),
        ("chains: {ACCEPT: []}", "chains: ACCEPT is an action and cannot name a chain"),
        ("chains: {'a b': []}", "chains: 'a b' is not a chain name"),
        ("chains: {INPUT: {rule: always}}", "chains.INPUT: a mapping: should be a list"),
        ("plugins: rules", "plugins: 'rules' is not a list: write [rules]"),
        ("plugins: [{a: 1, b: 2}]", "plugins[0]: a plugin is its name, or one name with its options"),
        ("plugins: [{stream: fast}]", "plugins[0]: the options of 'stream' are a mapping"),
        ("version: 2", "version: 2 is not allowed (allowed: 1)"),
        ("[]", "p.yaml:1:1: a list: a configuration is a mapping"),
        ("", "p.yaml:1:1: empty: a configuration is a mapping"),
    ],
)
def test_refusals_say_where_and_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    (line,) = complaints(tmp_path, text)
    assert words in line


def test_all_errors_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = complaints(tmp_path, "mode: x\nqueue: {number: -1, loopback: yes}\nfoo: 1\nfoo: 2\n")
    assert [line.split(":")[1] for line in lines] == ["1", "2", "2", "3", "4"]


def test_errors_are_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("mode: x\nqueue: {number: 7}\n")
    config = load(file, strict=False)
    assert config.queue.number == 7
    assert len(config.problems) == 1
    with pytest.raises(ConfigError):
        config.check()


def test_failure_master_turns_what_is_not_set() -> None:
    opened = Failure.model_validate({"all": "open", "stream": "drop-flow"})
    assert opened.no_listener == opened.queue_full == "accept"
    assert opened.plugin_error == opened.undecodable == opened.table_full == opened.truncated == "pass-packet"
    assert (opened.stream, opened.midstream) == ("drop-flow", "inspect")
    closed = Failure.model_validate({"all": "closed", "queue_full": "accept"})
    assert (closed.no_listener, closed.queue_full, closed.stream) == ("drop", "accept", "drop-flow")


def test_default_by_hook() -> None:
    default = Config.model_validate({"default": {"INPUT": "DROP"}}).default
    assert [default.action(hook) for hook in (INPUT, OUTPUT, FORWARD)] == [Action.DROP, Action.ACCEPT, Action.ACCEPT]
    everywhere = Config.model_validate({"default": "REJECT"}).default
    assert {everywhere.action(hook) for hook in (INPUT, OUTPUT, FORWARD)} == {Action.REJECT}


def test_a_forward_chain_is_queued_unless_hooks_say_otherwise() -> None:
    assert "FORWARD" in Config.model_validate({"chains": {"FORWARD": []}}).queue.hooks
    assert Config.model_validate({"chains": {"FORWARD": []}, "queue": {"hooks": ["INPUT"]}}).queue.hooks == ["INPUT"]


def test_plugins_keep_order_and_options() -> None:
    entries = Config.model_validate({"plugins": ["rules", {"stream": {"checksum": "auto"}}, {"hedge": None}]}).plugins
    assert [(entry.name, entry.options) for entry in entries] == [
        ("rules", {}),
        ("stream", {"checksum": "auto"}),
        ("hedge", {}),
    ]


def test_nothing_changes_after_loading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().queue.number = 3  # type: ignore[misc]


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_unreadable_files_are_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load(name)
    assert len(caught.value.problems) == 1


def test_world_writable_file_is_refused_for_root_and_told_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\n")
    file.chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigError, match="chmod o-w"):
        load(file)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "chmod o-w" in load(file).warnings[0]


def test_ready_made_policies_load_and_describe_themselves() -> None:
    found = policies()
    assert {"default", "block-unknown-encrypted", "allow-known", "host-firewall", "gateway"} <= set(found)
    for name, words in found.items():
        assert words.endswith((".", "given.")), name
        assert load(f"policy:{name}").plugins, name


def test_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'gateway'"):
        load("policy:gatway")


def test_embedded_default_blocks_nothing() -> None:
    config = load()
    assert config.mode == "observe"
    assert {config.default.action(hook) for hook in (INPUT, OUTPUT, FORWARD)} == {Action.ACCEPT}


def test_embedded_default_goes_without_absent_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywall_core.config.entry_points", lambda group: [])
    config = load()
    assert (config.plugins, config.chains) == ([], {})
    assert "goes without: rules, stream, protocols, hedge" in config.warnings[0]
