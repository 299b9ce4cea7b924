"""The state machine of one end of a connection: RFC 9293 section 3.3.2, in steps of one segment.

Where the RFC receives a segment and answers it in one step, the state between the two has a name of its own:

========================  ==========================================================================================
RFC 9293                  here
========================  ==========================================================================================
SYN-SENT                  SYN_SENT1; SYN_SENT2: SYN/ACK received, ACK not sent yet; SYN_SENT3: SYN received
                          (simultaneous open), SYN/ACK not sent yet
SYN-RECEIVED              SYN_RCVD1: SYN/ACK not sent yet; SYN_RCVD2: sent
FIN-WAIT-1, -2            FIN_WAIT_1, FIN_WAIT_2; FIN_WAIT_3: FIN received and our own acknowledged, ACK not sent yet
CLOSE-WAIT                CLOSE_WAIT1: FIN received, ACK not sent yet; CLOSE_WAIT2: sent
CLOSING                   CLOSING: FIN received before our own was acknowledged, ACK not sent yet; CLOSING2: sent
CLOSED, LISTEN            CLOSED
========================  ==========================================================================================

ESTABLISHED, LAST_ACK and TIME_WAIT are the RFC's.
"""

from __future__ import annotations

from typing import Final, TypeAlias

#: Events of this machine. An acknowledgement is one when it covers the SYN or the FIN.
SYN: Final = "SYN"
SYN_ACK: Final = "SYN/ACK"
ACK_OF_SYN: Final = "ACK of SYN"
FIN: Final = "FIN"
ACK_OF_FIN: Final = "ACK of FIN"
#: Not a segment of its own: the connection is older than what was seen of it.
MIDSTREAM: Final = "midstream"

#: by event, the state that follows each state which the event changes
_Steps: TypeAlias = dict[str, dict[str, str]]

_UNDER_WAY: Final = {"CLOSED": "ESTABLISHED", "SYN_SENT1": "ESTABLISHED", "SYN_RCVD1": "ESTABLISHED"}
_SENT: Final[_Steps] = {
    MIDSTREAM: _UNDER_WAY,
    SYN: {"CLOSED": "SYN_SENT1", "SYN_RCVD1": "SYN_SENT3"},
    SYN_ACK: {
        "CLOSED": "SYN_RCVD2",
        "SYN_RCVD1": "SYN_RCVD2",
        "SYN_SENT2": "ESTABLISHED",
        "SYN_SENT3": "SYN_RCVD2",
    },
    ACK_OF_SYN: {"SYN_SENT2": "ESTABLISHED", "SYN_SENT3": "SYN_RCVD2"},
    FIN: {
        "SYN_RCVD2": "FIN_WAIT_1",
        "ESTABLISHED": "FIN_WAIT_1",
        "CLOSE_WAIT1": "CLOSING",
        "CLOSE_WAIT2": "LAST_ACK",
    },
    ACK_OF_FIN: {"CLOSE_WAIT1": "CLOSE_WAIT2", "CLOSING": "CLOSING2", "FIN_WAIT_3": "TIME_WAIT"},
}
_RECEIVED: Final[_Steps] = {
    MIDSTREAM: _UNDER_WAY,
    SYN: {"CLOSED": "SYN_RCVD1", "SYN_SENT1": "SYN_SENT3"},
    SYN_ACK: {
        "CLOSED": "SYN_SENT2",
        "SYN_SENT1": "SYN_SENT2",
        "SYN_SENT3": "SYN_SENT2",
        "SYN_RCVD2": "ESTABLISHED",
    },
    ACK_OF_SYN: {"SYN_SENT3": "SYN_SENT2", "SYN_RCVD2": "ESTABLISHED"},
    FIN: {"ESTABLISHED": "CLOSE_WAIT1", "FIN_WAIT_1": "CLOSING", "FIN_WAIT_2": "FIN_WAIT_3"},
    ACK_OF_FIN: {
        "FIN_WAIT_1": "FIN_WAIT_2",
        "CLOSING": "FIN_WAIT_3",
        "CLOSING2": "TIME_WAIT",
        "LAST_ACK": "CLOSED",
    },
}

HANDSHAKE: Final = frozenset({"SYN_SENT1", "SYN_SENT2", "SYN_SENT3", "SYN_RCVD1", "SYN_RCVD2"})
OVER: Final = frozenset({"CLOSED", "TIME_WAIT"})


def sent(state: str, event: str) -> str:
    """Return the state after this end has sent ``event``; unchanged if the table has no entry."""
    return _SENT[event].get(state, state)


def received(state: str, event: str) -> str:
    """Return the state after this end has received ``event``; unchanged if the table has no entry."""
    return _RECEIVED[event].get(state, state)
