"""Protocol detectors for PyWall: one small module each, detecting by content and never by port."""

__version__ = "0.1.0"
