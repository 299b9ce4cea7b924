"""The plugin `carriers`: classifies what known protocols carry inside, where a rule asks."""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import API_VERSION, MORE, Answer, Carried, Facts, Flow, hookimpl

from .carriers import BODY, ECHO, MESSAGES, STEP, UNASKED, Body, Echoes
from .dns_tunnel import DnsTunnels
from .tls_inner import InnerTls

NAME: Final = "carriers"
#: bodies of a flow that are looked at at a time
MOST_BODIES: Final = 16
DNS: Final = "dns.tunnel"
RECORDS: Final = "tls.inner"


class Carriers:
    """Sets facts of a flow: `http.body.class`, `websocket.class` and `icmp.class` (plain, compressed, encrypted,
    obfuscated, unknown, undecodable), each when the class of what is carried settles, or when the flow ends;
    `http.body.direction` (`to_server`, `to_client`), whose body it is; `icmp.unasked`, true once replies bring data of
    no request; `icmp.carried`, bytes of echo data that are no repetition, in steps of 1024; `dns.tunnel.score` (0 to 1)
    and `dns.tunnel.domain` with every DNS message; `tls.inner.score` (0 to 1) once per connection of TLS.
    """

    api_version = API_VERSION
    needs_class_at_end = False
    facts = ()
    carriers: Final = {
        BODY: ("http.body.class", "http.body.direction"),
        MESSAGES: ("websocket.class",),
        ECHO: ("icmp.class", "icmp.unasked", "icmp.carried"),
        DNS: ("dns.tunnel.score", "dns.tunnel.domain"),
        RECORDS: ("tls.inner.score",),
    }

    def __init__(self, options: object = None) -> None:
        self._tunnels = DnsTunnels()
        self._settled: dict[str, int] = {}

    @hookimpl
    def pywall_carried(self, flow: Flow, carried: Carried) -> Facts | Answer:
        """Add the next bytes. Facts when a class has settled or changed, or a reply of ICMP answers nothing."""
        carrier = carried.carrier
        if carrier == DNS:
            if flow.dst[0] == 0xFF or (len(flow.dst) == 4 and flow.dst[0] & 0xF0 == 0xE0):
                return MORE  # what a network's machines tell each other (RFC 6762) goes nowhere
            client = flow.src if carried.to_server == (not carried.data[2] & 0x80) else flow.dst
            score, domain = self._tunnels.add(client, carried.data, flow.last)
            return Facts({"dns.tunnel.score": score, "dns.tunnel.domain": domain})
        if flow.ext is None:
            flow.ext = {}
        kept: dict[str, Any] = flow.ext.setdefault(NAME, {})
        if carrier == RECORDS:
            inner: InnerTls = kept.setdefault(carrier, InnerTls())
            known = inner.sizes is not None
            if known or not inner.add(carried.to_server, carried.data[0], int.from_bytes(carried.data[1:3], "big")):
                return MORE
            return Facts({"tls.inner.score": round(inner.score, 4)})
        if carrier == ECHO:
            echoes: Echoes = kept.setdefault(carrier, Echoes())
            return self._echo_facts(echoes) if echoes.add(carried) else MORE
        key = f"{carrier} {carried.to_server} {carried.body}"
        body: Body | None = kept.get(key)
        if body is None or (carried.offset == 0 and not body.goes_on()):
            body = self._begin(kept, key)
        if not body.add(carried):
            return MORE
        self._settled[body.label] = self._settled.get(body.label, 0) + 1
        return self._body_facts(carrier, carried.to_server, body.label, flow)

    @staticmethod
    def _begin(kept: dict[str, Any], key: str) -> Body:
        """Return a new body. Where it takes the place of another that was too short to tell, they are one: a direction
        has no end of short bodies that are never ended.
        """
        body = Body()
        if key not in kept and len(kept) >= MOST_BODIES:
            way = key[: key.rindex(" ") + 1]  # carrier and direction
            oldest = next((old for old in kept if old.startswith(way)), "")
            gone = kept.pop(oldest or next(iter(kept)))
            if oldest and gone.goes_on():
                body = gone
        kept[key] = body
        return body

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Say of what has not settled what it looked like so far."""
        kept: dict[str, Any] = (flow.ext or {}).pop(NAME, {})
        for key, found in kept.items():
            if isinstance(found, Echoes):
                found.body.label = found.body.label_now()
                facts = self._echo_facts(found)
            elif isinstance(found, Body) and found.label_now():
                carrier, side, _ = key.split(" ")
                facts = self._body_facts(carrier, side == "True", found.label_now(), flow)
            else:
                continue
            for name, value in facts.items():
                flow.set_fact(name, value)

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """How many bodies and directions settled to each class, and how many domains are remembered."""
        return {"settled": dict(self._settled), "domains": len(self._tunnels)}

    @staticmethod
    def _body_facts(carrier: str, to_server: bool, label: str, flow: Flow) -> Facts:
        """One direction's ciphertext is not covered by what the other brings."""
        if flow.facts.get(f"{carrier}.class") == "encrypted" != label:
            return Facts({})
        facts: dict[str, Any] = {f"{carrier}.class": label}
        if carrier == BODY:
            facts["http.body.direction"] = "to_server" if to_server else "to_client"
        return Facts(facts)

    @staticmethod
    def _echo_facts(echoes: Echoes) -> Facts:
        facts: dict[str, Any] = {"icmp.class": echoes.body.label} if echoes.body.label else {}
        if echoes.unasked >= UNASKED:
            facts["icmp.unasked"] = True
        if echoes.carried >= STEP:
            facts["icmp.carried"] = echoes.carried // STEP * STEP
        return Facts(facts)
