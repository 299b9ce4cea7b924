"""Former names: refused with the new one, rewritten in place by ``pywall check --fix``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.config import Problem
from pywall_core.config.renamed import fix_file

POLICY = """\
version: 1
plugins: [rules, stream, protocols, hedge]
chains:
  INPUT:
    # payload_class stays in comments
    - {rule: fact, name: payload_class, is: encrypted, action: DROP}   # why
    - {rule: fact, name: "confidence", exists: true, action: DROP}
    - {rule: fact, name: tls.sni, is: confidence, action: DROP}
"""


def test_old_names_are_refused_with_place_and_new_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    assert main(["check", str(policy)]) == 3
    err = capsys.readouterr().err
    assert f"{policy}:6:26: " in err
    assert "the fact 'payload_class' is called 'payload.class'; `pywall check --fix` rewrites it" in err
    assert "'confidence' is called 'payload.confidence'" in err
    assert policy.read_text() == POLICY


def test_fix_rewrites_them_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    assert main(["check", "--fix", str(policy)]) == 0
    assert f"{policy}:6: payload_class -> payload.class" in capsys.readouterr().out
    expected = POLICY.replace("name: payload_class", "name: payload.class").replace(
        'name: "confidence"', 'name: "payload.confidence"'
    )
    assert policy.read_text() == expected
    assert main(["check", "--fix", str(policy)]) == 0
    assert policy.read_text() == expected


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_bytes(b"a: sni  # \xc3\xa4\r\nb: 1\r\n")
    fix_file(policy, [Problem(1, 4, "", "former name", str(policy))])
    assert policy.read_bytes() == b"a: tls.sni  # \xc3\xa4\r\nb: 1\r\n"
