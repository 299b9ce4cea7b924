"""PYWALL_PLUGINS_TRACE: who was called with what, and what came of it, on standard error."""

from __future__ import annotations

import pytest

from pywall_core.plugins.trace import traced, wanted


def test_it_is_wanted_where_the_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYWALL_PLUGINS_TRACE", raising=False)
    assert not wanted()
    monkeypatch.setenv("PYWALL_PLUGINS_TRACE", "1")
    assert wanted()


def test_a_call_and_its_answer_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    call = traced("mine", "pywall_tick", lambda now, more=None: {"now": now})
    assert call(1.5, more=object()) == {"now": 1.5}
    assert capsys.readouterr().err == "mine: pywall_tick(1.5, object) -> {'now': 1.5}\n"


def test_what_is_raised_is_shown_and_raised_on(capsys: pytest.CaptureFixture[str]) -> None:
    def raises() -> None:
        raise SystemExit("no")

    with pytest.raises(SystemExit):
        traced("mine", "pywall_startup", raises)()
    assert capsys.readouterr().err == "mine: pywall_startup() raised SystemExit: no\n"


def test_long_values_are_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    traced("mine", "pywall_event", len)("x" * 10_000)
    assert len(capsys.readouterr().err) < 120
