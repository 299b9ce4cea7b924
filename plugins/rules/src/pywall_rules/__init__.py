"""Rule kinds for PyWall, one module a kind. The plugin is :mod:`pywall_rules.plugin`."""

__version__ = "0.1.0"
