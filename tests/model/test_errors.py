"""What a plugin must not take for an error of its own."""

from __future__ import annotations

from contextlib import suppress

import pytest

from pywall_core.model.errors import Hung


def test_a_plugin_that_catches_its_exceptions_is_interrupted_all_the_same() -> None:
    with pytest.raises(Hung), suppress(Exception):
        raise Hung
