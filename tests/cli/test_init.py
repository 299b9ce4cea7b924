"""``pywall init``: every answer is checked where it is given, and each policy that it writes is good."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywall_core.cli.common import prepare
from pywall_core.cli.init import SERVICES, policy

ANSWERS = [
    ["--offer", "ssh,web"],
    ["--offer", "none", "--encrypted", "drop", "--observe", "no"],
    ["--offer", ",".join(SERVICES), "--from", "10.0.0.0/8,2001:db8::/32", "--rate", "none"],
]


@pytest.mark.parametrize("flags", ANSWERS)
def test_what_it_writes_is_good(pywall, tmp_path: Path, flags: list[str]) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    assert pywall("init", file, *flags).code == 0
    prepare(str(file))
    code, _, err = pywall("init", file, *flags)
    assert code == 1
    assert err == f"init: {file} is there already; name another file\n"


def test_all_wrong_flags_are_said_at_once_and_nothing_is_written(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    code, out, err = pywall("init", file, "--offer", "ssh,htpp", "--from", "10.0.0.0/33", "--rate", "fast")
    assert (code, out, file.exists()) == (2, "", False)
    said = err.splitlines()
    assert len(said) == 3
    assert "no service 'htpp' (there are: ssh," in said[0]
    assert "write networks as 192.168.0.0/16" in said[1]
    assert "'fast' is not a rate: write 10/s" in said[2]


@pytest.mark.parametrize("address", ["192.168.1.0", "10.0.0.1, 10.0.0.0", "2001:db8::"])
def test_an_address_that_ends_as_a_network_is_asked_about(pywall, tmp_path: Path, address: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    code, _, err = pywall("init", file, "--from", address)
    assert (code, file.exists()) == (2, False)
    assert "is one address, and ends as a network does: write networks as 192.168.0.0/16" in err
    assert pywall("init", file, "--from", "192.168.1.0/24,10.0.0.0/32,2001:db8::/32").code == 0


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    answers: list[str] = []

    def answer(question: str) -> str:
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    return answers


def test_a_wrong_answer_is_asked_again(pywall, tmp_path: Path, typed: list[str]) -> None:  # type: ignore[no-untyped-def]
    typed += ["banana", "web", "10.0.0.0/33", "", "fast", "none", "maybe", "drop", "maybe", "n"]
    file = tmp_path / "p.yaml"
    code, out, _ = pywall("init", file)
    assert (code, typed) == (0, [])
    for word in (
        "no service 'banana'",
        "10.0.0.0/33",
        "'fast' is not a rate",
        "'maybe': write drop or pass",
        "yes or no",
    ):
        assert word in out
    assert file.read_text() == policy(["web"], [], "", encrypted=True, observe=False)


def test_the_end_of_the_input_writes_nothing(pywall, tmp_path: Path, typed: list[str]) -> None:  # type: ignore[no-untyped-def]
    typed += ["web"]
    code, _, err = pywall("init", tmp_path / "p.yaml")
    assert (code, err.strip()) == (2, "init: no answer, nothing is written")
    assert not (tmp_path / "p.yaml").exists()


def combinations() -> Iterator[tuple[list[str], list[str], str, bool, bool]]:
    lists: tuple[list[str], ...] = ([], ["ssh"], list(SERVICES))
    nets: tuple[list[str], ...] = ([], ["10.0.0.0/8"])
    yield from itertools.product(lists, nets, ("", "10/s"), (True, False), (True, False))


def test_all_answers_together_are_a_policy(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    for offer, from_, rate, encrypted, observe in combinations():
        file.write_text(policy(offer, from_, rate, encrypted=encrypted, observe=observe))
        config, _, chains = prepare(str(file))
        assert config.warnings == []
        assert len(chains["INPUT"]) >= 4
