"""PyWall rules by program, user and cgroup."""

__version__ = "0.1.0"
