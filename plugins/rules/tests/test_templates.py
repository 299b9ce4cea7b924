"""Variables of other programs are answered with ours."""

from __future__ import annotations

import pytest
from pywall_rules.templates import template_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{{ lan }}", ": a variable is written ${lan}"),
        ("{{- ssh_port | default(22) -}}", ": a variable is written ${ssh_port}"),
        ("${LAN:-10.0.0.0/8}", ": a variable has no default, write ${LAN}, and under vars LAN: ..."),
        ("${LAN?missing}", ": a variable has no default, write ${LAN}, and under vars LAN: ..."),
        ("${LAN}", ""),
        ("{ 10.0.0.1, 10.0.0.2 }", ""),
        ("22", ""),
    ],
)
def test_templates(text: str, form: str) -> None:
    assert template_form(text) == form
