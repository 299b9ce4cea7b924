"""Prometheus metrics of a running PyWall."""

__version__ = "0.1.0"
