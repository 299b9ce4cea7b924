"""Every input that the fuzzers keep, and every crash that they found, stays fixed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("fuzz_targets", HERE / "targets.py")
assert spec is not None
assert spec.loader is not None
targets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(targets)


@pytest.mark.parametrize("target", targets.TARGETS)
def test_corpus(target: str) -> None:
    files = sorted((HERE / "corpus" / target).iterdir())
    assert files
    for file in files:
        try:
            targets.TARGETS[target](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{target}: {file.name}") from error
