"""Faults are to be found here, not to be made small: hypothesis need not shrink them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings


@pytest.fixture
def without_shrinking() -> Iterator[None]:
    before = settings.get_current_profile_name()
    settings.register_profile("find", phases=(Phase.explicit, Phase.generate), derandomize=True)
    settings.load_profile("find")
    yield
    settings.load_profile(before)
