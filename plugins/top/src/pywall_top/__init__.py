"""pywall-top: a live view of the running firewall in a terminal."""

__version__ = "0.1.0"
