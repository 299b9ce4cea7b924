"""The plugin's name, and those of its facts."""

from __future__ import annotations

NAME = "hedge"
FACTS = (
    "payload.class",
    "payload.confidence",
    "payload.entropy",
    "payload.bytes_seen",
    "payload.odds",
    "payload.because",
    "payload.peer",
)
