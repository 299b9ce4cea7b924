"""TCP as the end host sees it: the state of both ends, and their bytes in order."""

__version__ = "0.1.0"
