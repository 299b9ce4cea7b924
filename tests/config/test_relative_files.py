"""Relative paths in a policy are taken from the file that says them, wherever the command is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.cli.common import prepare
from pywall_core.config import ConfigError

RULES = """\
    - {rule: ip, src: {file: lists/addresses.txt}, action: DROP}
    - {rule: ip, src: '@bad', action: DROP}
    - {rule: fact, name: tls.sni, file: lists/names.txt, action: DROP}
    - {rule: fact, name: tls.sni, in: {file: lists/names.txt, column: 1}, action: DROP}
    - {rule: domain, file: lists/names.txt, action: DROP}
"""
POLICY = """\
version: 1
plugins: [rules, stream, protocols]
sets: {bad: {file: lists/addresses.txt}}
chains:
  INPUT:
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lists = tmp_path / "etc" / "lists"
    lists.mkdir(parents=True)
    (lists / "addresses.txt").write_text("192.0.2.1\n")
    (lists / "names.txt").write_text("bad.example\n")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "etc"


def test_they_are_found_from_any_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "p.yaml").write_text(POLICY + RULES)
    names = {folder: "p.yaml", folder.parent: "etc/p.yaml", folder.parent / "elsewhere": "../etc/p.yaml"}
    for place, name in names.items():
        monkeypatch.chdir(place)
        assert main(["check", "--config", name]) == 0


def test_an_included_file_takes_them_from_its_own_folder(folder: Path) -> None:
    (folder / "part.yaml").write_text(RULES)
    main_file = folder.parent / "p.yaml"
    main_file.write_text(POLICY.replace("lists/", "etc/lists/") + "    - include: etc/part.yaml\n")
    prepare(str(main_file))


def test_one_of_the_working_directory_is_an_error_at_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = folder.parent / "elsewhere" / "p.yaml"
    policy.write_text(POLICY + RULES)
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        prepare(str(policy))
    lines = [problem.line for problem in caught.value.problems]
    assert lines == [3, 6, 8, 9, 10]
    assert all("not from the working directory" in problem.message for problem in caught.value.problems)
