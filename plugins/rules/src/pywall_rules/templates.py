"""Variables as templates, shells and Docker Compose write them, where a policy has ``${name}``."""

from __future__ import annotations

import re
from typing import Final

_TEMPLATE: Final = re.compile(r"\{\{-?\s*([A-Za-z_]\w*).*\}\}", re.DOTALL)
_DEFAULT: Final = re.compile(r"\$\{([A-Za-z_]\w*):?[-?+=].*\}")


def template_form(text: str) -> str:
    """Return how a variable is written that is filled in elsewhere, ``{{ lan }}`` or ``${LAN:-x}``; else nothing."""
    if found := _TEMPLATE.fullmatch(text):
        return f": a variable is written ${{{found[1]}}}"
    if found := _DEFAULT.fullmatch(text):
        return f": a variable has no default, write ${{{found[1]}}}, and under vars {found[1]}: ..."
    return ""
