"""What is wrong is taken out, so that the rest can be checked; places of what stands behind stay."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.config.repair import without

DATA: dict[str, Any] = {
    "mode": "x",
    "plugins": ["rules", "strem", "protocols"],
    "queue": {"hooks": ["INPT"], "number": 1},
    "chains": {"INPUT": "no list", "OUTPUT": [{"rule": "always"}, {"rule": "port", "dst": "x"}]},
}


def test_values_keys_and_entries() -> None:
    before = copy.deepcopy(DATA)
    assert without(DATA, [("mode",)]) == {key: value for key, value in DATA.items() if key != "mode"}
    assert without(DATA, [("plugins", 1)])["plugins"] == ["rules", {"": {}}, "protocols"]
    assert without(DATA, [("chains", "INPUT")])["chains"]["INPUT"] == []
    assert without(DATA, [("chains", "OUTPUT", 1, "dst")])["chains"]["OUTPUT"][1] == {"rule": "port"}
    assert "queue" not in without(DATA, [("queue", "hooks", 0)]), "an empty list would be one mistake more"
    assert before == DATA, "the original is left as it is"


def test_several_entries_of_a_list_are_the_ones_that_were_meant() -> None:
    data = {"sets": {"a": {"entries": ["0", "1", "2", "3"]}}}
    paths = [("sets", "a", "entries", number) for number in (0, 2)]
    assert without(data, paths) == {"sets": {"a": {"entries": ["1", "3"]}}}


STEP = st.one_of(
    st.sampled_from(["mode", "plugins", "queue", "hooks", "chains", "INPUT", "OUTPUT", "rule"]), st.integers(0, 3)
)


@given(st.lists(st.lists(STEP, max_size=4).map(tuple), max_size=4))
def test_any_path_is_taken(paths: list[tuple[str | int, ...]]) -> None:
    assert isinstance(without(DATA, paths), dict)
