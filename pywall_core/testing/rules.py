"""The contract of rule kinds as a test class.

``TestPort = rule_contract(Port, [{"protocol": "tcp", "dst": 22}, {"dst": [80, "1000-2000"]}])``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..chain.literals import Literals
from ..model.matcher import Matcher
from ..model.packet import INPUT, OUTPUT, Packet
from ..model.rule_index import PendingKeys, RuleIndex
from ..model.rule_kind import RuleKind
from ..model.verdict import NO, PENDING, YES, Action
from ..packet.decode import decode
from .flows import make_flow
from .host import FakeHost
from .packets import tcp_packet, udp_packet


def rule_contract(  # noqa: C901 - a class of tests, each a few lines
    kind: type[RuleKind], parameters: Sequence[dict[str, Any]], *, examples: int = 60
) -> type:
    """Make a test class that holds ``kind`` to the contract of rule kinds, with each of the ``parameters`` given.

    Assign the result to a name that begins with ``Test``. Needs hypothesis; ``examples`` is how many packets each
    property is tried on.
    """
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    if not parameters:
        raise ValueError("a rule kind is tried with at least one set of parameters")
    tried = settings(max_examples=examples, deadline=None, suppress_health_check=[*HealthCheck])
    hosts = st.sampled_from([("192.0.2.1", "198.51.100.2"), ("2001:db8::1", "2001:db8::2"), ("127.0.0.1", "10.9.8.7")])
    ports = st.one_of(st.integers(0, 65535), st.sampled_from([22, 53, 80, 443, 1000, 1024]))

    @st.composite
    def packets(draw: Any) -> Packet:
        src, dst = draw(hosts)
        sport, dport, data = draw(ports), draw(ports), draw(st.binary(max_size=40))
        if draw(st.booleans()):
            raw = tcp_packet(
                src, sport, dst, dport, seq=draw(st.integers(0, 2**32 - 1)), flags=draw(ports) & 63, data=data
            )
        else:
            raw = udp_packet(src, sport, dst, dport, data)
        if draw(st.integers(0, 3)) == 0:
            raw = raw[: draw(st.integers(0, len(raw)))] + draw(st.binary(max_size=8))
        return decode(
            raw, draw(st.floats(0, 1e9)), draw(st.sampled_from([INPUT, OUTPUT])), draw(st.sampled_from(["", "eth0"]))
        )

    @st.composite
    def known(draw: Any) -> dict[str, Any]:
        """Return what may be known of a flow, as its attributes."""
        app_proto = draw(st.sampled_from([None, "unknown", "none", "tls", "ssh"]))
        state = draw(st.sampled_from(["", "ESTABLISHED", "SYN_RCVD1"]))
        return {
            "app_proto": app_proto,
            "detect_done": app_proto is not None,
            "confirmed": draw(st.booleans()),
            "initiator": draw(st.sampled_from(["local", "remote"])),
            "client_state": state,
            "server_state": state,
            "facts": {name: draw(_values(st)) for name in rules[0].asks() if "." in name and draw(st.booleans())},
        }

    rules = [kind.model_validate(given_parameters) for given_parameters in parameters]

    class RuleContract:
        def test_is_described(self) -> None:
            assert kind.kind == kind.kind.strip().lower()
            assert kind.scope in ("flow", "direction", "packet")
            assert (kind.__doc__ or "").strip(), "the docstring is the kind's manual text"
            assert kind.__doc__ != RuleKind.__doc__, "the docstring is the kind's manual text"
            bare = [name for name, field in kind.model_fields.items() if not field.description]
            assert not bare, f"no description: {', '.join(bare)}"

        def test_unknown_parameters_are_refused(self) -> None:
            from pydantic import ValidationError

            for given_parameters in parameters:
                try:
                    kind.model_validate({**given_parameters, "no_such_parameter": 1})
                except ValidationError:
                    continue
                raise AssertionError("a misspelt parameter was taken")

        def test_names_its_facts(self) -> None:
            for rule in rules:
                assert all(isinstance(name, str) and name for name in rule.asks())
                assert all(isinstance(name, str) and name for name in rule.protocols())

        @tried
        @given(st.data())
        def test_answers_every_packet(self, data: Any) -> None:
            packet = data.draw(packets())
            flow = make_flow(packet, **data.draw(known()))
            for rule in rules:
                assert isinstance(rule.concerns(flow), bool)
                answer = _compile(rule)(packet, flow)
                assert answer in (YES, NO, PENDING) or isinstance(answer, Action), f"{answer!r} is not an answer"

        @tried
        @given(st.data())
        def test_settled_facts_leave_nothing_pending(self, data: Any) -> None:
            packet = data.draw(packets())
            flow = make_flow(packet, app_proto="unknown", detect_done=True)
            for rule in rules:
                assert _compile(rule)(packet, flow) is not PENDING

        @tried
        @given(st.data())
        def test_answer_keeps_its_scope(self, data: Any) -> None:
            """The same flow gets the same answer for each packet (scope flow), or for each of one direction."""
            if kind.scope == "packet" or kind.state == "host":
                return
            first = data.draw(packets())
            flow = make_flow(first, **data.draw(known()))
            other = decode(first.data, first.time + data.draw(st.floats(0, 1e6)), first.hook, first.indev, first.outdev)
            other.seq, other.flags, other.window = data.draw(ports), data.draw(st.integers(0, 255)), data.draw(ports)
            other.start = data.draw(st.integers(0, len(other.data)))
            if first.proto not in (6, 17):
                other.flags = first.flags
            for rule in rules:
                matcher = _compile(rule)
                assert matcher(first, flow) == matcher(other, flow), f"scope is {kind.scope}, but the packet matters"

        @tried
        @given(st.data())
        def test_index_leaves_out_only_what_does_not_match(self, data: Any) -> None:
            packet = data.draw(packets())
            flow = make_flow(packet, **data.draw(known()))
            for rule in rules:
                found = rule.index(FakeHost())
                answer = _compile(rule)(packet, flow)
                for index in found if isinstance(found, tuple) else () if found is None else (found,):
                    keys = index.look(packet, flow)
                    if keys is None or (type(keys) is PendingKeys and not keys[0].isdisjoint(index.keys)):
                        assert answer is PENDING, f"the index says PENDING, the rule {answer!r}"
                    elif type(keys) is PendingKeys or not any(_finds(index, key) for key in keys):
                        assert answer is NO, f"the index leaves the rule out, which says {answer!r}"

    return RuleContract


def _finds(index: RuleIndex, key: Any) -> bool:
    return (
        key in index.keys
        or any(first <= key <= last for first, last in index.ranges)
        or (bool(index.literals) and Literals([(0, index.literals)]).find(key) != [])
        or any(key in one for one in index.sets)
    )


def _compile(rule: RuleKind) -> Matcher:
    return rule.compile(FakeHost())


def _values(st: Any) -> Any:
    return st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.lists(st.text(max_size=8), max_size=3))
