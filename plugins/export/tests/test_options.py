"""Wrong options are refused with the right form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pywall_export.options import ExportOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "http://127.0.0.1"}, "redis://host:port.*nats://host:port"),
        ({"url": "redis://"}, "redis://host:port"),
        ({"url": "redis://127.0.0.1:99999"}, "ort"),
        ({"format": "cef"}, "'eve' or 'ecs'"),
        ({"spool": {"folder": "here"}}, "relative path"),
        ({"spool": {"max_mib": 0}}, "greater than or equal to 1"),
        ({"queue": 0}, "greater than or equal to 1"),
        ({"topics": "x"}, "Extra inputs"),
    ],
)
def test_it_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ExportOptions(**options)


def test_the_defaults_are_valid() -> None:
    assert ExportOptions().url == "redis://127.0.0.1:6379/0"
