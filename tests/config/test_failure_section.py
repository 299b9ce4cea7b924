"""``failure:`` every switch has a closed and an open value, and ``all`` turns those that are not set."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pywall_core.config.failure_section import OPEN, Failure


def test_all_open_opens_each_switch_but_midstream() -> None:
    closed, opened = Failure(), Failure.model_validate({"all": "open"})
    switches = set(Failure.model_fields) - {"all", "midstream"}
    assert switches == set(OPEN)
    for switch in switches:
        assert getattr(closed, switch).startswith("drop")
        assert getattr(opened, switch) == OPEN[switch]
    assert opened.midstream == closed.midstream == "inspect"


def test_a_switch_that_is_set_keeps_its_value() -> None:
    assert Failure.model_validate({"all": "open", "stream": "drop-flow"}).stream == "drop-flow"


def test_a_word_alone_is_told_its_form() -> None:
    with pytest.raises(ValidationError, match=r"write \{all: open\}"):
        Failure.model_validate("open")
