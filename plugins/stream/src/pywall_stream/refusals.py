"""Refusals: why a segment is dropped. The reasons are in anomaly events, and counted (``drop.stream.*``)."""

from __future__ import annotations

from typing import Final

from pywall_core.api import Drop

NO_ACK: Final = Drop("stream.no_ack")
BAD_FLAGS: Final = Drop("stream.flags")
BAD_CHECKSUM: Final = Drop("stream.bad_checksum")
BAD_SIGNATURE: Final = Drop("stream.signature")
BAD_SYN_DATA: Final = Drop("stream.syn_data")
BAD_SYN_ACK: Final = Drop("stream.syn_ack")
REOPENED: Final = Drop("stream.reopened")
NO_HANDSHAKE: Final = Drop("stream.no_handshake")
BAD_ACK: Final = Drop("stream.bad_ack")
OLD_ACK: Final = Drop("stream.old_ack")
OLD_TIMESTAMP: Final = Drop("stream.paws")
OUT_OF_WINDOW: Final = Drop("stream.window")
BAD_RST: Final = Drop("stream.bad_rst")
CLOSED: Final = Drop("stream.closed")
FIN_CONFLICT: Final = Drop("stream.fin_conflict")
OVERLAP_CONFLICT: Final = Drop("stream.overlap_conflict")
AMBIGUOUS_URGENT: Final = Drop("stream.urgent")
NO_MEMORY: Final = Drop("stream.memory")
MULTIPATH: Final = Drop("stream.mptcp")
MIDSTREAM: Final = Drop("stream.midstream", flow=True)
