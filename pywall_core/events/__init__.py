"""Events: what happened, as EVE JSON, and where it is written."""

from .eve import EventBuilder
from .fields import to_line
from .sink import Sink, open_sink

__all__ = ["EventBuilder", "Sink", "open_sink", "to_line"]
