"""Verdicts that no rule made: vetoes, denials of what a packet carries, and what ``failure:`` says went wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, final

from ..model.verdict import ACCEPT, DROP, Cause, Verdict

if TYPE_CHECKING:
    from ..config import Config


@final
class FailurePolicy:
    """Made once from a configuration. Observe mode lets everything pass, whatever the switches say."""

    def __init__(self, config: Config) -> None:
        failure = config.failure
        self._observe = config.mode == "observe"
        self._on_plugin_error = "pass-packet" if self._observe else failure.plugin_error
        self.pass_midstream = failure.midstream == "pass-flow"
        self.midstream = Verdict(ACCEPT, True, reason="failure.midstream", cause=Cause.MIDSTREAM)
        self.undecodable = self._one_packet(failure.undecodable, Cause.UNDECODABLE)
        self.table_full = self._one_packet(failure.table_full, Cause.TABLE_FULL)
        self.truncated = self._one_packet(failure.truncated, Cause.TRUNCATED)
        self._drops_ambiguous = failure.ambiguous == "drop-flow"
        self.fragment = Verdict(ACCEPT, False, reason="fragment held until its datagram is whole", cause=Cause.FRAGMENT)

    def _one_packet(self, policy: str, cause: Cause) -> Verdict:
        passes = self._observe or policy.startswith("pass")
        return Verdict(
            ACCEPT if passes else DROP, False, reason=f"failure: {cause.value.replace('_', ' ')}", cause=cause
        )

    def veto(self, reason: str, flow: bool) -> Verdict:
        """Return the verdict for a plugin's veto of a packet, or of the whole ``flow``; ``reason`` begins with its
        name.
        """
        plugin = reason.partition(".")[0]
        if self._observe:
            return Verdict(ACCEPT, False, "", plugin, "", f"observe: would drop: {reason}", Cause.VETO)
        return Verdict(DROP, flow, "", plugin, "", reason, Cause.VETO)

    def ambiguous(self, protocol: str, reason: str, *, datagram: bool) -> Verdict | None:
        """Return the verdict on bytes that their receivers read differently; None where they pass. A datagram is
        dropped alone: the others of its flow do not depend on it.
        """
        if not self._drops_ambiguous:
            return None
        why = f"failure: ambiguous {protocol}: {reason}"
        if self._observe:
            return Verdict(ACCEPT, False, reason=f"observe: would drop: {why}", cause=Cause.AMBIGUOUS)
        return Verdict(DROP, not datagram, reason=why, cause=Cause.AMBIGUOUS)

    def plugin_error(self, plugin: str, hung: bool) -> Verdict:
        """Return the verdict where a plugin failed: the whole flow's where it hung, for it would hang again."""
        policy = self._on_plugin_error
        action = ACCEPT if policy.startswith("pass") else DROP
        final = policy.endswith("flow") or hung
        return Verdict(action, final, "", plugin, "", "failure.plugin_error", Cause.PLUGIN_ERROR)


@lru_cache(1024)
def denied_inside(found: Verdict) -> Verdict:
    """Return the verdict on the packet around. A REJECT would tell the tunnel's end, not who sent the inner packet."""
    return Verdict(
        DROP,
        False,
        found.rule,
        found.plugin,
        found.chain,
        f"inside: {found.reason}",
        found.cause,
        found.title,
        found.where,
    )
