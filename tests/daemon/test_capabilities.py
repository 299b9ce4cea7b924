"""What the supervisor keeps after the start: what it needs, of what it was given."""

from __future__ import annotations

import pytest

from pywall_core.config import Config
from pywall_core.daemon import capabilities
from pywall_core.daemon.capabilities import keep_needed, why_not_enough
from pywall_core.kernel import privileges
from pywall_core.kernel.privileges import (
    CAP_DAC_READ_SEARCH,
    CAP_KILL,
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CAP_SETGID,
    CAP_SETUID,
    CAP_SYS_PTRACE,
)

PLAIN = Config.model_validate({"version": 1})
OTHER_USER = Config.model_validate({"version": 1, "run": {"user": "nobody"}})
ALL = frozenset(range(41))


class Process:
    """Holds ``given``; notes what is kept. The kernel refuses what is not held (capset(2))."""

    given = ALL
    kept: frozenset[int] = frozenset()

    def keep_only(self, wanted: set[int]) -> None:
        if not wanted <= self.given:
            raise PermissionError("capset: Operation not permitted")
        self.kept = frozenset(wanted)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    made = Process()
    monkeypatch.setattr(privileges, "has", lambda capability: capability in made.given)
    monkeypatch.setattr(privileges, "keep_only", made.keep_only)
    monkeypatch.setattr(capabilities.ipset, "available", lambda: False)
    monkeypatch.setattr(capabilities, "are_helpers_installed", lambda: False)
    return made


@pytest.mark.parametrize(
    ("config", "variant", "sets", "helpers", "more"),
    [
        (PLAIN, "nft", False, False, set()),
        (PLAIN, "legacy", False, False, {CAP_NET_RAW}),
        (PLAIN, "nft", True, False, {CAP_NET_RAW}),
        (PLAIN, "nft", False, True, {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH}),
        (OTHER_USER, "nft", False, False, {CAP_SETUID, CAP_SETGID, CAP_KILL}),
    ],
)
def test_it_keeps_what_it_needs(
    process: Process,
    monkeypatch: pytest.MonkeyPatch,
    config: Config,
    variant: str,
    sets: bool,
    helpers: bool,
    more: set[int],
) -> None:
    monkeypatch.setattr(capabilities.ipset, "available", lambda: sets)
    monkeypatch.setattr(capabilities, "are_helpers_installed", lambda: helpers)
    keep_needed(config, variant)
    assert process.kept == {CAP_NET_ADMIN} | more


@pytest.mark.parametrize("given", [{CAP_NET_ADMIN}, {CAP_NET_ADMIN, CAP_NET_RAW}])
def test_a_start_is_possible_with_what_a_container_gives(
    process: Process, monkeypatch: pytest.MonkeyPatch, given: set[int]
) -> None:
    """What is asked of the kernel and was not given would end the start."""
    process.given = frozenset(given)
    monkeypatch.setattr(capabilities.ipset, "available", lambda: True)
    monkeypatch.setattr(capabilities, "are_helpers_installed", lambda: True)
    keep_needed(PLAIN, "legacy")
    assert process.kept == given


def test_what_is_missing_is_named(process: Process) -> None:
    assert why_not_enough(OTHER_USER) == ""
    process.given = frozenset({CAP_NET_ADMIN, CAP_SETUID})
    assert why_not_enough() == why_not_enough(PLAIN) == ""
    assert why_not_enough(OTHER_USER).startswith("run.user: nobody needs CAP_SETUID, CAP_SETGID and CAP_KILL")
    process.given = frozenset()
    assert why_not_enough(PLAIN) == "pywall run needs root (CAP_NET_ADMIN)"
