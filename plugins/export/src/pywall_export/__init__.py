"""Sends the events of a running PyWall to a message broker."""

__version__ = "0.1.0"
