"""The completion scripts: every command and option, in each shell's own language."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pywall_core.cli import COMMANDS, main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_names_all_commands_and_those_of_plugins(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert {name for name in (*COMMANDS, "classify", "knock") if name not in script} == set()
    assert "policies" in script


def test_bash_completes_a_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "pywall"
    script.write_text(capsys.readouterr().out)
    ask = 'source "$0"; COMP_WORDS=(pywall exp); COMP_CWORD=1; _shtab_pywall; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", ask, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["explain"]


def test_an_unknown_shell_is_named() -> None:
    assert main(["completion", "csh"]) == 2
