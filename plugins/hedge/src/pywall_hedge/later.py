"""numpy, loaded when something of it is first asked for: it takes longer than a short command, and flows of text or of
what is plain at a glance need nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
else:

    class _Later:
        def __getattr__(self, name: str) -> Any:
            import numpy

            value = self.__dict__[name] = getattr(numpy, name)
            return value

    np = _Later()

__all__ = ["np"]
