"""The configuration as the supervisor reads it: once, with the kernel's part checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.config import ConfigError
from pywall_core.daemon.runtime_config import read_policy
from pywall_core.kernel.marks import DEFAULT_MASK, Marks


def write(path: Path, text: str) -> str:
    file = path / "policy.yaml"
    file.write_text(f"version: 1\n{text}")
    return str(file)


def test_workers_get_the_text_whatever_becomes_of_the_file(tmp_path: Path) -> None:
    source = write(tmp_path, "queue: {number: 3}\n")
    policy = read_policy(source)
    Path(source).write_text("changed")
    assert policy.text == b"version: 1\nqueue: {number: 3}\n"
    assert policy.name == source


def test_the_plan_is_what_the_policy_asks_of_the_kernel(tmp_path: Path) -> None:
    source = write(tmp_path, "queue: {workers: 2, hooks: [FORWARD], deal: host}\nfailure: {no_listener: accept}\n")
    policy = read_policy(source)
    plan = policy.plan(9, 4, Marks(DEFAULT_MASK))
    assert (plan.queue, plan.workers, plan.generation) == (9, 2, 4)
    assert (plan.hooks, plan.bypass, plan.deal) == (("FORWARD",), True, "host")
    assert policy.fails_open()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("queue: {mark_mask: 0x1}\n", "mark_mask"),
        ("queue: {number: 65530, workers: 4}\n", "a reload needs as many further queue numbers"),
        ("queue: {workers: [\n", "policy.yaml:"),
    ],
)
def test_what_the_kernel_cannot_do_is_an_error_with_its_place(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read_policy(write(tmp_path, text))
    assert error in str(refusal.value)
    assert "policy.yaml:" in str(refusal.value)


def test_a_hook_without_a_chain_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="pywall.supervisor"):
        read_policy(write(tmp_path, "default: DROP\n"))
    assert "no chain INPUT: the default DROP holds" in caplog.text
