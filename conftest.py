"""For all tests, those of the plugins too: properties are not judged by the speed of the machine.

Where ``CI`` is set, hypothesis begins each run with the same seeds. The examples may differ all the same: one in twenty
is a constant out of the modules imported so far, so they depend on the tests that ran before in the same process.
hypothesis has no setting for that, and importing all of ours first would not do: plugins that tests write count too.
A property that fails in one order of tests alone is therefore a real fault; keep its example with ``@example(...)``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("pywall-tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pywall-tests")
