"""``pywall verify``: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pywall_core.cli import main

HERE = Path(__file__).parents[1] / "verify"


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    shutil.copytree(HERE / "ssh-on-any-port", folder)
    return folder


def test_command_prints_and_exits(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(case)]) == 0
    assert capsys.readouterr().out.endswith("1 cases, 0 failed\n")
    (case / "expect.yaml").write_text("expect:\n  - {absent: {event_type: flow}}\n")
    assert main(["verify", str(case), str(HERE / "fragments")]) == 1
    out = capsys.readouterr().out
    assert f"FAIL {case}" in out
    assert out.endswith("2 cases, 1 failed\n")
    assert main(["verify", "--json", str(case)]) == 1
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["checks"]) == (False, 1)
    (case / "expect.yaml").write_text("expect: {}")
    assert main(["verify", str(case)]) == 3
    (case / "expect.yaml").unlink()
    assert main(["verify", str(case)]) == 1
