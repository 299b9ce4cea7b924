"""Detection as it was before a packet: a packet that is not accepted teaches nothing."""

from __future__ import annotations

from typing import Any

from ..model.flow import Flow

Snapshot = tuple[Any, ...]


def snapshot(flow: Flow) -> Snapshot:
    """Return what detection may change, before a packet: taken back when the packet is not accepted."""
    return (
        flow.client,
        flow.server,
        flow.client_sizes,
        flow.server_sizes,
        flow.pending,
        flow.match,
        flow.match_bit,
        flow.app_proto,
        flow.app_proto_orig,
        flow.facts,
        flow.confirmed,
        flow.detect_done,
        flow.opaque,
        flow.classifying,
        flow.cuts,
        flow.payload_seen,
        flow.app_proto_outer,
        None if flow.following is None else flow.following.copy(),
        flow.unwrap and tuple(each.copy() for each in flow.unwrap),
    )


def restore(flow: Flow, before: Snapshot) -> None:
    (
        flow.client,
        flow.server,
        flow.client_sizes,
        flow.server_sizes,
        flow.pending,
        flow.match,
        flow.match_bit,
        flow.app_proto,
        flow.app_proto_orig,
        flow.facts,
        flow.confirmed,
        flow.detect_done,
        flow.opaque,
        flow.classifying,
        flow.cuts,
        flow.payload_seen,
        flow.app_proto_outer,
        flow.following,
        flow.unwrap,
    ) = before
    flow.verdicts = [None] * 8
