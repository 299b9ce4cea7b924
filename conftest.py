"""For all tests, those of the plugins too: the examples of properties.

They are the same in each run, whatever ran before: a run that fails fails again. ``--hypothesis-profile=explore`` draws
others each time, and more of them; keep what it finds with ``@example(...)``.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

# the speed of the machine judges nothing
settings.register_profile(
    "repeated", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.register_profile("explore", max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile, unless the command line does."""
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("repeated")
        # one example in twenty has a constant out of the modules imported so far, so it would depend on the tests that
        # ran before in the same process; hypothesis has no setting for that
        if hasattr(providers, "_get_local_constants"):
            none = Constants()
            providers._get_local_constants = lambda: none
