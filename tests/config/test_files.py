"""A policy of several files, with variables: one document whose values keep their places."""

from __future__ import annotations

import os
import select
from pathlib import Path
from threading import Thread

import pytest

from pywall_core.cli.common import prepare
from pywall_core.config import Config, ConfigError, load, loads, read
from pywall_core.config.files import bundle
from pywall_core.daemon import runtime_config
from pywall_core.daemon.runtime_config import read_policy

MAIN = """version: 1
include: [vars.yaml, rules.d]
plugins: [rules]
vars: {ssh: 2222, allowed: [10.0.0.0/8, "${office}"]}
chains:
  INPUT:
    - include: first.yaml
    - {rule: port, protocol: tcp, dst: ${ssh}, action: ACCEPT, comment: "ssh on ${ssh}"}
    - {rule: ip, src: ${allowed}, action: DROP}
    - {rule: ip, src: [192.0.2.1, ${allowed}], action: DROP}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "vars.yaml").write_text("vars: {office: 192.0.2.0/24, ssh: 22}\n")
    (tmp_path / "rules.d" / "10.yaml").write_text(
        "chains:\n  INPUT:\n    - {rule: ip, src: 203.0.113.1, action: DROP}\n"
    )
    (tmp_path / "rules.d" / "20.yaml").write_text("chains:\n  other:\n    - {rule: port, dst: 23, action: DROP}\n")
    (tmp_path / "rules.d" / "notes.txt").write_text("not read")
    (tmp_path / "first.yaml").write_text("- {rule: port, dst: 1, action: DROP}\n- {rule: port, dst: 2, action: DROP}\n")
    (tmp_path / "p.yaml").write_text(MAIN)
    return tmp_path / "p.yaml"


def rows(config: Config, chain: str) -> list[dict[str, object]]:
    return config.chains[chain]


def test_included_chains_come_first_and_variables_are_written_out(policy: Path) -> None:
    config = load(policy)
    rules = rows(config, "INPUT")
    assert [rule.get("dst", rule.get("src")) for rule in rules] == [
        "203.0.113.1",
        1,
        2,
        2222,
        ["10.0.0.0/8", "192.0.2.0/24"],
        ["192.0.2.1", "10.0.0.0/8", "192.0.2.0/24"],
    ]
    assert rules[3]["comment"] == "ssh on 2222"
    assert rows(config, "other") == [{"rule": "port", "dst": 23, "action": "DROP"}]


def test_rules_keep_their_file_and_line(policy: Path) -> None:
    _, _, chains = prepare(str(policy))
    places = [rule.mark.removeprefix(f"{policy.parent}/") for rule in chains["INPUT"]]
    assert places == ["rules.d/10.yaml:3", "first.yaml:1", "first.yaml:2", "p.yaml:8", "p.yaml:9", "p.yaml:10"]


def test_errors_name_the_included_file(policy: Path) -> None:
    (policy.parent / "first.yaml").write_text(
        "- {rule: port, dst: 70000, action: DROP}\n- {rule: prot, action: DROP}\n"
    )
    (policy.parent / "rules.d" / "20.yaml").write_text("mode: x\n")
    with pytest.raises(ConfigError) as caught:
        prepare(str(policy))
    lines = [str(problem).removeprefix(f"{policy.parent}/") for problem in caught.value.problems]
    assert [line.split(":")[:2] for line in sorted(lines)] == [
        ["first.yaml", "1"],
        ["first.yaml", "2"],
        ["rules.d/20.yaml", "1"],
    ]
    assert any(
        "    - {rule: port, dst: 70000" in problem.excerpt or "70000" in problem.excerpt
        for problem in caught.value.problems
    )


def test_every_process_sees_the_files_as_they_were_read(policy: Path) -> None:
    name, text, _ = read(policy)
    for file in (*policy.parent.glob("*.yaml"), *policy.parent.glob("rules.d/*")):
        file.unlink()
    assert len(rows(loads(text, name), "INPUT")) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include: absent.yaml\n", "absent.yaml: cannot be read"),
        ("include: p.yaml\n", "includes itself"),
        ("include: {a: b}\n", "should be a file, a folder, or a list of them"),
        ("include: list.yaml\n", "a list of rules is included in a chain"),
        ("chains: {INPUT: [include: map.yaml]}\n", "a mapping is included at the top of a file"),
        ("mode: ${mod}\nvars: {mode: observe}\n", "no variable 'mod'; did you mean 'mode'?"),
        ("mode: ${x}\n", "no variable 'x' (there are: none; they are defined under vars:)"),
        ("vars: {a: ${b}, b: ${a}}\n", "refers to itself"),
        ("vars: [a]\nmode: ${a}\n", "should be a mapping"),
        ("vars: {a: [1]}\nmode: x${a}\n", "${a} is a list, which cannot be a part of a text"),
        ("mode: ${env:HOME}\n", "the environment is read under vars: only"),
        ("vars: {m: ${env:PYWALL_NO_SUCH}}\nmode: ${m}\n", "the environment has no variable 'PYWALL_NO_SUCH'"),
    ],
)
def test_mistakes_are_answered(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "list.yaml").write_text("- {rule: always, action: DROP}\n")
    (tmp_path / "map.yaml").write_text("mode: observe\n")
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "p.yaml")
    assert words in str(caught.value)


def test_a_file_that_is_not_there_hides_no_other_mistake(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "version: 1\nmode: foo\ninclude: [absent.yaml, 5, sub/*.yaml]\nchains:\n  INPUT:\n    - include: none.yaml\n"
        "    - include: [a]\n    - {rule: always, action: DRP}\n"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.yaml").write_text("table: 3\n")
    with pytest.raises(ConfigError) as caught:
        prepare(str(tmp_path / "p.yaml"))
    found = {(Path(problem.file).name, problem.line) for problem in caught.value.problems}
    assert found == {("p.yaml", 2), ("p.yaml", 3), ("x.yaml", 1), ("p.yaml", 6), ("p.yaml", 7), ("p.yaml", 8)}
    assert "absent.yaml: cannot be read: No such file or directory" in str(caught.value)


def test_the_environment_gives_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYWALL_QUEUE", "7")
    (tmp_path / "p.yaml").write_text("vars: {queue: ${env:PYWALL_QUEUE}}\nqueue: {number: ${queue}}\n")
    assert load(tmp_path / "p.yaml").queue.number == 7


def test_variables_that_multiply_are_bounded(tmp_path: Path) -> None:
    lines = ["  v0: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"  v{n}: [{', '.join([f'${{v{n - 1}}}'] * 10)}]" for n in range(1, 9)]
    (tmp_path / "p.yaml").write_text("vars:\n" + "\n".join(lines) + "\n")
    with pytest.raises(ConfigError, match="values when its variables are written out"):
        load(tmp_path / "p.yaml")


def test_a_policy_of_more_than_a_mebibyte(tmp_path: Path) -> None:
    rules = "".join(f"    - {{rule: ip, src: 10.{n >> 8 & 255}.{n & 255}.0/24, action: DROP}}\n" for n in range(30_000))
    (tmp_path / "p.yaml").write_text(f"version: 1\nplugins: [rules]\nchains:\n  INPUT:\n{rules}")
    assert (tmp_path / "p.yaml").stat().st_size > 1 << 20
    assert len(load(tmp_path / "p.yaml").chains["INPUT"]) == 30_000


def test_an_included_file_that_anybody_may_write(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (policy.parent / "vars.yaml").chmod(0o666)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(ConfigError, match="chmod o-w"):
        load(policy)


@pytest.mark.parametrize("pipe", ["/dev/stdin", "/dev/fd/63", "/proc/self/fd/63", "/proc/4321/fd/0"])
def test_what_a_pipe_includes_is_in_the_working_directory(
    policy: Path, monkeypatch: pytest.MonkeyPatch, pipe: str
) -> None:
    monkeypatch.chdir(policy.parent)
    warnings: list[str] = []
    text = bundle(pipe, policy.read_bytes(), warnings)
    assert warnings == []
    assert len(rows(loads(text, pipe), "INPUT")) == 6


LONG = "x" * 300


def test_names_that_no_file_can_have_hide_no_other_mistake(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        f"version: 1\nplugins: [rules]\ninclude: [{LONG}, {LONG}/*.yaml]\n"
        f"sets:\n  bad: {{type: addresses, file: {LONG}}}\n"
        f"chains:\n  INPUT:\n    - {{rule: fact, name: tls.sni, file: {LONG}, action: DROP}}\n"
        "    - {rule: always, action: DRP}\n"
    )
    with pytest.raises(ConfigError) as caught:
        prepare(str(tmp_path / "p.yaml"))
    assert {problem.line for problem in caught.value.problems} == {3, 5, 8, 9}


def test_a_pipe_is_read_to_its_end_and_not_waited_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload must not stop the one who watches the workers."""
    monkeypatch.setattr(runtime_config, "_SILENCE", 0.01)
    fifo = tmp_path / "p.yaml"
    os.mkfifo(fifo)
    with pytest.raises(ConfigError, match="nothing comes from it within"):
        read_policy(str(fifo))
    (tmp_path / "main.yaml").write_text("version: 1\ninclude: p.yaml\n")
    assert b"nothing comes from it within" in read_policy(str(tmp_path / "main.yaml")).text
    reader, writer = os.pipe()
    os.write(writer, b"version: 1\n")
    with pytest.raises(ConfigError, match="nothing comes from it within"):
        read_policy(f"/dev/fd/{reader}")  # nobody closes it
    os.write(writer, b"version: 1\n")
    os.close(writer)
    assert read_policy(f"/dev/fd/{reader}").text == b"version: 1\n"
    os.close(reader)


def test_a_command_waits_for_what_writes_its_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    ready = select.select

    def noted(reads: list[int], writes: list[int], errors: list[int], seconds: float | None = None) -> object:
        waited.append(seconds)
        return ready(reads, writes, errors, seconds)

    monkeypatch.setattr("select.select", noted)
    fifo = tmp_path / "p.yaml"
    os.mkfifo(fifo)
    writer = Thread(target=fifo.write_text, args=("version: 1\n",))
    writer.start()
    assert read(str(fifo))[1] == b"version: 1\n"
    writer.join()
    assert set(waited) == {None}


def test_a_policy_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    primary, secondary = os.openpty()
    lines = iter([b"version: 1\n", b"mode: observe\n", b"\x04"])
    ready = select.select

    def typed(reads: list[int], writes: list[int], errors: list[int], seconds: float | None = None) -> object:
        os.write(primary, next(lines))
        return ready(reads, writes, errors, seconds)

    monkeypatch.setattr("select.select", typed)
    assert read(os.ttyname(secondary))[1] == b"version: 1\nmode: observe\n"
    os.close(primary)
    os.close(secondary)


def test_a_policy_that_is_a_device() -> None:
    assert read(os.devnull)[1] == b""
    with pytest.raises(ConfigError, match="MiB"):
        load("/dev/zero")
