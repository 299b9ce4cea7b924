"""Every input that the fuzzers keep, and every crash that they found, stays fixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import targets

HERE = Path(__file__).parent


@pytest.mark.parametrize("target", targets.TARGETS)
def test_corpus(target: str) -> None:
    files = sorted((HERE / "corpus" / target).iterdir())
    assert files
    for file in files:
        try:
            targets.TARGETS[target](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{target}: {file.name}") from error
