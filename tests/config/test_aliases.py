"""What other firewalls say has an equal here: each name on the right is one of ours."""

from __future__ import annotations

from pywall_core.config.aliases import ACTION_ALIASES, KEY_ALIASES, KEY_FORMS
from pywall_core.model.verdict import Action


def test_actions_modes_and_types_are_ours() -> None:
    ours = {*Action.__members__, "enforce", "observe", "addresses", "ports", "names", "strings"}
    assert set(ACTION_ALIASES.values()) <= ours


def test_only_what_has_a_place_of_its_own_elsewhere_has_two_answers() -> None:
    assert set(KEY_ALIASES) & set(KEY_FORMS) == {"chain", "log", "logging"}  # of a file sections
