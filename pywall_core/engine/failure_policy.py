"""Verdicts that no rule made: vetoes, and what ``failure:`` in the configuration says where something went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.verdict import ACCEPT, DROP, Verdict

if TYPE_CHECKING:
    from ..config import Config


class Fallbacks:
    """Made once from a configuration. Observe mode lets everything pass, whatever the switches say."""

    def __init__(self, config: Config) -> None:
        failure = config.failure
        self._observe = config.mode == "observe"
        self._on_plugin_error = "pass-packet" if self._observe else failure.plugin_error
        self.pass_midstream = failure.midstream == "pass-flow"
        self.midstream = Verdict(ACCEPT, True, reason="failure.midstream")
        self.undecodable = self._one_packet(failure.undecodable, "undecodable")
        self.table_full = self._one_packet(failure.table_full, "table full")
        self.truncated = self._one_packet(failure.truncated, "truncated")
        self.fragment = Verdict(ACCEPT, False, reason="fragment held until its datagram is whole")

    def _one_packet(self, policy: str, cause: str) -> Verdict:
        passes = self._observe or policy.startswith("pass")
        return Verdict(ACCEPT if passes else DROP, False, reason=f"failure: {cause}")

    def veto(self, reason: str, flow: bool) -> Verdict:
        """A plugin's veto of a packet, or of the whole ``flow``; ``reason`` is dotted, the plugin first."""
        plugin = reason.partition(".")[0]
        if self._observe:
            return Verdict(ACCEPT, False, "", plugin, "", f"observe: would drop: {reason}")
        return Verdict(DROP, flow, "", plugin, "", reason)

    def plugin_error(self, plugin: str, hung: bool) -> Verdict:
        """A plugin failed at a packet. One that hung would do so again at the flow's next: those are not even asked."""
        policy = self._on_plugin_error
        action = ACCEPT if policy.startswith("pass") else DROP
        return Verdict(action, policy.endswith("flow") or hung, "", plugin, "", "failure.plugin_error")
