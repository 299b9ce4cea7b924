"""The tutorial, walked as a reader would: wheels of this repository, an empty folder, its own files and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-detector.md"


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, env=env)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def steps() -> list[tuple[str, str]]:
    """The page's files and commands in order: (file name, text) or ("$", command)."""
    found = []
    pattern = re.compile(r"<!-- file: (?P<file>\S+) -->\n```\w+\n(?P<text>.*?)```|```console\n(?P<shell>.*?)```", re.S)
    for match in pattern.finditer(PAGE.read_text()):
        if match["file"]:
            found.append((match["file"], match["text"]))
        else:
            found += [("$", line.removeprefix("$ ")) for line in match["shell"].splitlines() if line.startswith("$ ")]
    return found


def test_every_step_of_the_tutorial(environment: Any, tmp_path: Path) -> None:
    """Editable installs of the working tree must not help: the environment is new and takes our wheels."""
    folder = tmp_path
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    env["PIP_FIND_LINKS"] = f"{environment.wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    said: dict[str, str] = {}
    for what, text in steps():
        if what != "$":
            (folder / what).parent.mkdir(parents=True, exist_ok=True)
            (folder / what).write_text(text)
        elif text.startswith("cd "):
            folder = folder / text.removeprefix("cd ")
        elif text.startswith(". "):
            env["PATH"] = f"{folder / '.venv' / 'bin'}:{env['PATH']}"
        else:
            said[text] = run("bash", "-ec", text, cwd=folder, env=env)
    assert "protocols" in said["pywall --plugins list"]
    assert re.search(r"3\s+thermometer\s+pywall-thermometer", said["pywall --plugins list --config policy.yaml"])
    replayed = said["pywall replay --config policy.yaml talk.pcap"]
    assert re.search(r"thermometer .*drop", replayed)
    assert "policy.yaml:8" in said["pywall explain --config policy.yaml talk.pcap"]
    shutil.rmtree(folder / ".venv", ignore_errors=True)
