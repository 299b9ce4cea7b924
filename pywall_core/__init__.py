"""PyWall: a firewall framework for Linux with plugins.

Plugins import :mod:`pywall_core.api` and nothing else of this package.
"""

__version__ = "0.1.0"

import os

if os.environ.get("PYWALL_PURE"):
    from .pure import prefer_sources

    prefer_sources()
