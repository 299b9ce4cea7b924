"""The command line in-process: exit code, standard output, standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from pywall_core.cli import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def pywall(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """``pywall("check", file)`` runs the command in this process."""

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run
