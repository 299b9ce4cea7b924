"""What `pywall check` finds suspicious about policies without errors."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pywall_core.cli.common import prepare
from pywall_core.config import Config, policies
from pywall_core.lint import kinds as kinds_module
from pywall_core.lint import lint, mtu, session


def findings(source: str) -> list[tuple[int, str, str]]:
    """Line, code and words of each warning."""
    config, plugins, chains = prepare(source)
    lint(config, plugins, chains)
    return [(problem.line, problem.code, problem.message) for problem in config.suspicious]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two interfaces, on which nobody is logged in."""
    monkeypatch.setattr(kinds_module, "interfaces", lambda: frozenset({"lo", "eth0"}))
    monkeypatch.setattr(mtu, "mtus", lambda: {"lo": 65536, "eth0": 1500})
    monkeypatch.setattr(session, "ssh_connection", lambda: None)


def policy(tmp_path: Path, rules: str, rest: str = "", plugins: str = "rules") -> str:
    file = tmp_path / "p.yaml"
    lines = "".join(f"    - {rule}\n" for rule in rules.splitlines())
    file.write_text(f"version: 1\nplugins: [{plugins}]\n{rest}chains:\n  INPUT:\n{lines}")
    return str(file)


FIRST = 5  # line of the first rule when there is no `rest`


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{rule: always, action: ACCEPT}\n{rule: port, dst: 22, action: DROP}", (6, "W010")),
        ("{rule: ip, src: 10.0.0.0/8, action: DROP}\n{rule: ip, src: 10.1.0.0/16, action: ACCEPT}", (6, "W010")),
        ("{rule: port, dst: 1-1024, action: DROP}\n{rule: port, protocol: tcp, dst: 22, action: ACCEPT}", (6, "W010")),
        ("{rule: protocol, is: tcp, action: DROP}\n{rule: port, protocol: tcp, dst: 22, action: ACCEPT}", (6, "W010")),
        ("{rule: port, dst: 22, action: DROP}\n"
         "{all: [{rule: ip, src: 10.0.0.1}, {rule: port, dst: 22}], action: ACCEPT}", (6, "W010")),
        ("{rule: always, action: DROP}\n{rule: log, message: refused}", (6, "W010")),
        ("{not: {rule: port, dst: 22}, action: DROP}\n{not: {rule: port, dst: [22, 23]}, action: DROP}", (6, "W010")),
        ("{rule: iface, in: eth99, action: DROP}", (5, "W011")),
        ("{not: {rule: iface, in: [eth0, 'wg*']}, action: DROP}", (5, "W011")),
        ("{rule: ip, src: 10.0.0.1/24, action: DROP}", (5, "W012")),
        ("{all: [{rule: ip, src: [10.0.0.0/24, '2001:db8::1/32']}, {rule: port, dst: 22}], action: DROP}", (5, "W012")),
    ],
)  # fmt: skip
def test_doubtful_rules(tmp_path: Path, rules: str, expected: tuple[int, str]) -> None:
    found = findings(policy(tmp_path, rules))
    assert expected in [(line, code) for line, code, _ in found], found


@pytest.mark.parametrize(
    "rules",
    [
        "{rule: ip, src: 10.1.0.0/16, action: ACCEPT}\n{rule: ip, src: 10.0.0.0/8, action: DROP}",
        "{rule: always, observe: true, action: DROP}\n{rule: port, dst: 22, action: ACCEPT}",
        "{rule: port, protocol: udp, dst: 53, action: ACCEPT}\n{rule: port, protocol: tcp, dst: 53, action: DROP}",
        "{rule: iface, in: 'eth*', action: ACCEPT}",
        "{rule: ip, src: 10.0.0.1, action: ACCEPT}\n{rule: ip, src: {file: /dev/null}, action: DROP}",
        "{not: {rule: port, dst: [22, 23]}, action: ACCEPT}\n{not: {rule: port, dst: 22}, action: DROP}",
        "{rule: knock, port: 22, doors: [7000/tcp], action: ACCEPT}\n"
        "{rule: knock, port: 22, doors: [7000/tcp], action: ACCEPT}",
        "{rule: always, action: ACCEPT}\n{rule: port, dst: 1, action: DROP}  # pywall: ignore[W010, W012]",
        "{rule: always, enabled: false, action: ACCEPT}\n{rule: port, dst: 1, action: DROP}",
    ],
)
def test_rules_that_are_meant_so(tmp_path: Path, rules: str) -> None:
    assert findings(policy(tmp_path, rules)) == []


def test_a_missing_version(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("mode: observe\n")
    assert [code for _, code, _ in findings(str(file))] == ["W004"]


@pytest.mark.parametrize(
    ("rules", "rest", "codes"),
    [
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\n", ["W020"]),
        ("{rule: flow, initiator: local, action: ACCEPT}", "default: {INPUT: DROP}\n", []),
        ("{rule: port, src: 443, action: ACCEPT}", "default: {INPUT: DROP}\n", ["W020"]),
        ("{rule: port, dst: 22, action: DROP}", "", []),
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\nmode: observe\n", []),
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\nqueue: {hooks: [INPUT]}\n", ["W020"]),
    ],
)
def test_answers_that_cannot_come_back(tmp_path: Path, rules: str, rest: str, codes: list[str]) -> None:
    assert [code for _, code, _ in findings(policy(tmp_path, rules, rest))] == codes


def test_answers_that_cannot_leave(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nplugins: [rules]\nchains:\n  INPUT:\n    - {rule: port, dst: 443, action: ACCEPT}\n"
        "    - {rule: flow, initiator: local, action: ACCEPT}\n  OUTPUT:\n"
        "    - {rule: flow, initiator: local, action: ACCEPT}\n    - {rule: always, action: DROP}\n"
        "default: {INPUT: DROP}\n"
    )
    (found,) = findings(str(file))
    assert found[:2] == (9, "W021")
    assert "{rule: flow, initiator: remote, action: ACCEPT}" in found[2]


SESSION = (bytes((10, 9, 0, 2)), 45000, bytes((10, 9, 0, 1)), 22)


@pytest.mark.parametrize(
    ("rules", "plugins", "cut"),
    [
        ("{rule: flow, initiator: local, action: ACCEPT}", "rules", True),
        ("{rule: port, dst: 22, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}", "rules", False),
        ("{rule: app, is: ssh, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}",
         "rules, stream, protocols", False),
        ("{rule: app, is: tls, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}",
         "rules, stream, protocols", True),
        ("{rule: ip, src: 10.9.0.2, action: DROP}\n{rule: always, action: ACCEPT}", "rules", True),
    ],
)  # fmt: skip
def test_the_ssh_session_of_the_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: str, plugins: str, cut: bool
) -> None:
    monkeypatch.setattr(session, "ssh_connection", lambda: SESSION)
    found = findings(policy(tmp_path, rules, "default: {INPUT: DROP}\n", plugins))
    assert [code for _, code, _ in found] == (["W022"] if cut else [])
    assert all("SSH from 10.9.0.2 to port 22" in words for _, _, words in found)


def test_the_session_is_found_in_this_process_or_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::2 45000 2001:db8::1 22")
    found = session.ssh_connection()
    assert found is not None
    assert (len(found[0]), found[1], found[3]) == (16, 45000, 22)
    monkeypatch.setenv("SSH_CONNECTION", "nonsense 1 2 3")
    assert session.ssh_connection() is None
    assert session._of_process(os.getpid())[1] == os.getppid()


def test_a_detector_behind_one_that_says_the_same_name(tmp_path: Path) -> None:
    class Other:
        """Says http as well."""

        transport = "tcp"
        protocols = ("http",)

    config = Config.model_validate({"plugins": ["first", "second"]})
    from pywall_core.api import MORE, hookimpl
    from pywall_core.lint.order import lint_order
    from pywall_core.plugins.loader import assemble

    class Segments:
        provides = ("segment",)

    def detect(self: object, flow: object, client: bytes, server: bytes) -> object:
        return MORE

    for name in ("First", "Second"):
        made = type(name, (Other,), {"pywall_detect": hookimpl(detect)})()
        globals()[name] = made
    objects = [("first", globals()["First"]), ("second", globals()["Second"]), ("segments", Segments())]
    lint_order(config, assemble(config, objects))
    assert [problem.code for problem in config.suspicious] == ["W014"]
    assert "'http' is detected by 'first' too" in config.suspicious[0].message


def test_every_code_has_its_line_in_the_manual() -> None:
    root = Path(__file__).parents[2]
    sources = [*root.glob("pywall_core/**/*.py"), *root.glob("plugins/*/src/**/*.py")]
    used = {code for source in sources for code in re.findall(r'"(W\d{3})"', source.read_text())}
    manual = (root / "docs/reference/warnings.md").read_text()
    assert used == set(re.findall(r"^\| `(W\d{3})` \|", manual, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(policies()))
def test_ready_made_policies_are_not_doubtful(name: str) -> None:
    assert findings(f"policy:{name}") == []


@pytest.mark.parametrize(
    ("mtus", "rule", "rest", "warned"),
    [
        ({"eth0": 9000}, "{rule: app, is: tls, action: DROP}", "", True),
        ({"eth0": 3584}, "{rule: app, is: tls, action: DROP}", "", False),
        ({"eth0": 9000}, "{rule: port, dst: 22, action: DROP}", "", False),
        ({"eth0": 9000}, "{rule: app, is: tls, action: DROP}", "failure: {truncated: pass-packet}\n", False),
        ({"lo": 65536}, "{rule: app, is: tls, action: DROP}", "", False),
        ({"lo": 65536}, "{rule: app, is: tls, action: DROP}", "queue: {loopback: true}\n", True),
        ({"eth0": 1500}, "{rule: app, is: tls, action: DROP}", "queue: {range: 1024}\n", True),
    ],
)
def test_packets_longer_than_what_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mtus: dict[str, int], rule: str, rest: str, warned: bool
) -> None:
    monkeypatch.setattr(mtu, "mtus", lambda: mtus)
    found = [code for _, code, _ in findings(policy(tmp_path, rule, rest, "rules, stream, protocols"))]
    assert ("W025" in found) is warned
