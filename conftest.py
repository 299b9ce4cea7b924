"""For all tests, those of the plugins too: properties are not judged by the speed of the machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("pywall-tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pywall-tests")
