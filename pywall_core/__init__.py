"""PyWall: a firewall framework for Linux with plugins.

Plugins import :mod:`pywall_core.api` and nothing else of this package.
"""

__version__ = "0.1.0"
