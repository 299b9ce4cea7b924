"""Finds data carried in DNS names: many long, ever different names below one domain.

Sets the fact ``dns_tunnel.suspected`` on the flow, so that the policy says what is done about it:

    - {rule: fact, name: dns_tunnel.suspected, is: true, action: DROP}
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import UDP, Flow, hookimpl

if TYPE_CHECKING:
    from pywall_core.api import Host

MAX_DOMAINS = 4096


class DnsTunnel:
    """Sums up the bytes that names below a domain have carried."""

    api_version = 1

    class Options(BaseModel):
        """Options of the plugin."""

        model_config = ConfigDict(extra="forbid")
        bytes: int = Field(2000, ge=100, description="bytes in different names below one domain that make a tunnel")

    def __init__(self, options: Options) -> None:
        self.limit = options.bytes
        self.domains: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    @hookimpl
    def pywall_startup(self, engine: "Host") -> None:
        self.engine = engine

    @hookimpl
    def pywall_flow_start(self, flow: Flow) -> None:
        flow.watched = flow.proto == UDP

    @hookimpl
    def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        if not to_server:
            return
        labels = names(data)
        if len(labels) < 3:
            return
        domain = b".".join(labels[-2:])
        carried = b".".join(labels[:-2])
        last, total = self.domains.pop(domain, (0, 0))
        if hash(carried) != last:
            total += len(carried)
        self.domains[domain] = (hash(carried), total)
        if len(self.domains) > MAX_DOMAINS:
            self.domains.popitem(last=False)
        if total >= self.limit and "dns_tunnel.suspected" not in flow.facts:
            flow.set_fact("dns_tunnel.suspected", True)
            signature = f"DNS tunnel below {domain.decode('ascii', 'replace')}"
            self.engine.emit("alert", flow, alert={"action": "allowed", "signature": signature})


def names(data: bytes) -> list[bytes]:
    """Labels of the question of a DNS query (RFC 1035 section 4.1.2), in lower case; empty where there is none."""
    labels: list[bytes] = []
    at = 12
    if len(data) < 17 or data[2] & 0x80:
        return labels
    while at < len(data) and 0 < data[at] < 64 and len(labels) < 64:
        labels.append(data[at + 1 : at + 1 + data[at]].lower())
        at += 1 + data[at]
    return labels
