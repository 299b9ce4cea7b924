"""``pywall set refresh``: before the first start it fetches, then the firewall reads the files again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.kernel import checks


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checks, "is_running", lambda: False)
    (tmp_path / "feed").write_text("192.0.2.1\n192.0.2.2\n")
    file = tmp_path / "p.yaml"
    source = f"file://{tmp_path}/feed"
    file.write_text(f"version: 1\nsets: {{bad: {{file: {tmp_path}/bad.txt, source: '{source}'}}, own: {{}}}}\n")
    return file


def test_files_are_fetched_before_the_first_start(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall("set", "refresh", "--config", policy)
    assert (code, out) == (0, "bad: 2 entries\n")
    assert "it reads the files when it starts" in err
    assert (policy.parent / "bad.txt").read_text() == "192.0.2.1\n192.0.2.2\n"


@pytest.mark.parametrize(
    ("name", "said"), [("bda", "no set 'bda' with a file; did you mean 'bad'?"), ("own", "no set 'own' with a file")]
)
def test_a_set_without_a_file_is_named(pywall, policy: Path, name: str, said: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall("set", "refresh", "--config", policy, name)
    assert (code, out) == (2, "")
    assert said in err


def test_a_policy_without_such_sets_is_named(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    policy.write_text("version: 1\n")
    code, _, err = pywall("set", "refresh", "--config", policy)
    assert code == 2
    assert f"no set of {policy} has a file" in err


def test_a_source_that_cannot_be_had_leaves_the_file(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    (policy.parent / "bad.txt").write_text("192.0.2.9\n")
    (policy.parent / "feed").unlink()
    code, _, err = pywall("set", "refresh", "--config", policy)
    assert code == 1
    assert "No such file or directory" in err
    assert "[Errno" not in err
    assert (policy.parent / "bad.txt").read_text() == "192.0.2.9\n"
