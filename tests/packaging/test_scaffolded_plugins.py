"""``pywall plugins new``: all four kinds are rendered, installed, pass their own tests and are used by a replay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pywall_core.scaffold import KINDS, ScaffoldError, write
from pywall_core.testing import conversation, udp_packet, write_pcap

POLICY = """
version: 1
plugins: [rules, stream, my-detector, my-rule, my-classifier, my-inspector: {flows: 3}]
chains:
  INPUT:
    - {rule: app, is: my-detector, action: DROP}
    - {rule: fact, name: my_classifier_letters, is: true, action: DROP}
    - {rule: my-rule, bytes: 1400, action: DROP}
default: ACCEPT
"""


@pytest.fixture(scope="module")
def plugins(environment: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with one plugin of each kind, installed."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        environment.run("pywall", "plugins", "new", f"my-{kind}", "--kind", kind, "--dir", folder)
    environment.install(*folder.iterdir())
    (folder / "policy.yaml").write_text(POLICY)
    yield folder
    environment.pip("uninstall", "-y", *(f"pywall-my-{kind}" for kind in KINDS))


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(environment: Any, plugins: Path, kind: str) -> None:
    done = environment.run("python", "-m", "pytest", "-q", cwd=plugins / f"pywall-my-{kind}")
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE)


def test_what_is_rendered_is_whole(plugins: Path) -> None:
    for kind in KINDS:
        folder = plugins / f"pywall-my-{kind}"
        left = {".hypothesis", ".pytest_cache", "__pycache__"}  # by its tests, which have run
        paths = [path for path in folder.rglob("*") if path.is_file() and not left.intersection(path.parts)]
        files = {str(path.relative_to(folder)) for path in paths}
        assert {"pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/test.yml"} <= files
        assert {f"src/pywall_my_{kind}/__init__.py", f"src/pywall_my_{kind}/py.typed"} <= files
        assert not [name for name in files if "MODULE" in name or name.endswith(".txt")]
        assert not [path for path in paths if "$" in path.read_text()]
        imports = re.findall(
            r"(?:from|import) (pywall_core[\w.]*)", (folder / f"src/pywall_my_{kind}/__init__.py").read_text()
        )
        assert set(imports) == {"pywall_core.api"}


def test_all_are_listed_in_the_order_of_the_policy(environment: Any, plugins: Path) -> None:
    listed = environment.run("pywall", "--plugins", "list", "--json", "--config", plugins / "policy.yaml")
    rows = [(row["name"], row["state"]) for row in json.loads(listed.stdout)["plugins"] if row["position"]]
    names = ["rules", "stream", "my-detector", "my-rule", "my-classifier", "my-inspector"]
    assert rows == [(name, "loaded") for name in names]


def test_all_are_used_by_a_replay(environment: Any, plugins: Path) -> None:
    talks = [
        conversation(client=("192.0.2.1", 1)).client(b"my-detector 1\n").server(b"my-detector ok\n").close(),
        conversation(client=("192.0.2.1", 2)).client(bytes(range(256)) * 4).close(),
        conversation(client=("192.0.2.1", 3)).client(b"plain words " * 60).close(),
    ]
    frames = [frame for talk in talks for frame in talk.frames()]
    frames.append((1_700_000_000.5, udp_packet("192.0.2.1", 4, "198.51.100.2", 5, bytes(1400))))
    write_pcap(plugins / "talks.pcap", frames)
    words = ("replay", "--json", "--config", plugins / "policy.yaml", plugins / "talks.pcap")
    events = [json.loads(line) for line in environment.run("pywall", *words).stdout.splitlines()]
    flows = {event["src_port"]: event for event in events if event["event_type"] == "flow"}
    assert {port: (flow["verdict"]["action"], flow["pywall"]["rule"]) for port, flow in flows.items()} == {
        1: ("drop", "INPUT[0]"),
        2: ("accept", "default"),
        3: ("drop", "INPUT[1]"),
        4: ("drop", "INPUT[2]"),
    }
    (alert,) = (event for event in events if event["event_type"] == "alert")
    assert alert["alert"]["signature"] == "my-inspector: many new flows"


@pytest.mark.parametrize("kind", KINDS)
def test_each_keeps_its_contract(environment: Any, plugins: Path, kind: str) -> None:
    words = ("plugins", "check", f"my-{kind}", "--examples", "10", "--config", plugins / "policy.yaml")
    assert environment.run("pywall", *words).stdout.endswith(" 0 broken\n")


@pytest.mark.parametrize("name", ["", "Upper", "two words", "../escape", "1st", "-x", "a_b", "a--b"])
def test_names_that_are_none_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="is not a plugin name"):
        write(name, "detector", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_not_overwritten(tmp_path: Path) -> None:
    write("mine", "rule", tmp_path)
    with pytest.raises(ScaffoldError, match="exists already"):
        write("mine", "rule", tmp_path)
