"""Jumps between chains: no circle, no long row, no chain that nothing reaches."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pywall_core.config import bind_chains, load
from pywall_core.testing import engine, tcp_packet

from .conftest import KINDS, bind, refused


def test_circles_are_refused(tmp_path: Path) -> None:
    rule = "{{rule: size, least: 1, action: {}}}"
    text = "chains:\n" + "".join(
        f"  {name}:\n    - {rule.format(target)}\n" for name, target in (("INPUT", "a"), ("a", "b"), ("b", "a"))
    )
    (line,) = refused(tmp_path, text)
    assert line.endswith("chains.b[0].action: jumps in a circle: a -> b -> a")


@pytest.mark.parametrize(("length", "good"), [(32, True), (33, False), (3000, False)])
def test_long_rows_of_chains_are_bounded(tmp_path: Path, length: int, good: bool) -> None:
    names = ["INPUT", *(f"c{n}" for n in range(length))]
    text = "chains:\n" + "".join(
        f"  {name}: [{{rule: size, least: 1, action: {target}}}]\n"
        for name, target in zip(names, [*names[1:], "DROP"], strict=True)
    )
    if good:
        assert len(bind(tmp_path, text)) == length + 1
    else:
        (line,) = refused(tmp_path, text)
        assert "more than 32 jumps in a row begin here" in line


def test_chains_that_nothing_reaches(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, "chains:\n  INPTU: []\n")
    assert "p.yaml:2:3: chains.INPTU: no rule jumps here, and it is not a hook; did you mean 'INPUT'?" in line
    file = tmp_path / "q.yaml"
    file.write_text("chains: {spare: []}")
    config = load(file)
    bind_chains(config, KINDS)
    (line,) = config.warnings
    assert line.endswith("q.yaml:1:10: chains.spare: never reached: no rule jumps here [W003]")


def test_many_ways_through_chains_are_no_work_for_the_engine() -> None:
    """Two jumps from each of 32 chains to the next are 2**32 ways."""
    names = ["INPUT", *(f"c{n}" for n in range(32))]
    text = "plugins: [rules]\nchains:\n" + "".join(
        f"  {name}:\n" + f"    - {{rule: always, action: {target}}}\n" * 2
        for name, target in zip(names, [*names[1:], "DROP"], strict=True)
    )
    begun = time.perf_counter()
    (verdict,) = engine(text).send([tcp_packet("192.0.2.1", 1, "198.51.100.2", 2, seq=0)])
    assert verdict.rule == "c31[0]"
    assert time.perf_counter() - begun < 10
