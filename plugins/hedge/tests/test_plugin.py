"""The plugin over flows: facts, the rule kind `payload`, and the policy that drops what is encrypted and unknown."""

import gzip
import random

import pytest
from pydantic import ValidationError
from pywall_hedge.options import Settings
from pywall_hedge.plugin import FACTS, Hedge
from pywall_hedge.rule import Payload

from pywall_core.api import ACCEPT, DROP, MORE, NO, PENDING, YES, Facts
from pywall_core.testing import conversation, make_flow, rule_contract
from pywall_core.testing.memory import engine

TestPayloadContract = rule_contract(
    Payload,
    [
        {"is": "encrypted"},
        {"is": ["plain", "compressed"], "min_confidence": 0.5},
        {"is": "encrypted", "min_entropy": 5.0},
    ],
)

CONFIGURATION = """
version: 1
plugins: [hedge]
chains:
  INPUT:
    - {rule: payload, is: encrypted, min_entropy: 5.0, action: DROP}
default: ACCEPT
"""


def feed(plugin, flow, data, size=1460, to_server=True):
    answer = MORE
    for at in range(0, len(data), size):
        answer = plugin.pywall_classify(flow, to_server, data[at : at + size])
        if answer is not MORE:
            break
    return answer


def unknown_flow(**attributes):
    return make_flow(app_proto="unknown", detect_done=True, **attributes)


def test_an_encrypted_flow_settles_when_the_window_is_full():
    plugin, flow = Hedge(Settings()), unknown_flow()
    facts = feed(plugin, flow, random.Random(1).randbytes(80_000))
    assert isinstance(facts, Facts)
    assert tuple(facts) == FACTS
    assert facts["payload_class"] == "encrypted"
    assert 0.5 < facts["confidence"] <= 1
    assert facts["entropy"] > 7.99
    assert facts["bytes_seen"] == 32 * 1460
    assert not flow.ext
    assert plugin.pywall_stats() == {"settled": {"plain": 0, "compressed": 0, "encrypted": 1, "unknown": 0}}


def test_the_window_in_bytes():
    facts = feed(Hedge(Settings(packets=4096, window=4000)), unknown_flow(), random.Random(1).randbytes(80_000), 1000)
    assert facts["bytes_seen"] == 4000


def test_many_tiny_payloads_settle_nothing_before_there_is_something_to_judge():
    plugin, flow = Hedge(Settings()), unknown_flow()
    assert feed(plugin, flow, random.Random(1).randbytes(1000), 10) is MORE
    assert isinstance(feed(plugin, flow, random.Random(2).randbytes(1000), 10), Facts)


def test_text_settles_early(text):
    facts = feed(Hedge(Settings()), unknown_flow(), text)
    assert facts["payload_class"] == "plain"
    assert facts["bytes_seen"] < 18_000


def test_a_flow_that_ends_early_says_what_it_looked_like():
    plugin, flow = Hedge(Settings()), unknown_flow()
    assert feed(plugin, flow, random.Random(3).randbytes(8000)) is MORE
    plugin.pywall_flow_end(flow, "closed")
    assert flow.facts["payload_class"] == "encrypted"
    flow = unknown_flow()
    assert plugin.pywall_classify(flow, True, b"hi") is MORE
    plugin.pywall_flow_end(flow, "closed")
    assert flow.facts["payload_class"] == "unknown"
    plugin.pywall_flow_end(unknown_flow(), "timeout")


def test_options_are_checked():
    for wrong in ({"method": "magic"}, {"gamma": 3}, {"alpha": 0}, {"window": 1}, {"windw": 1}):
        with pytest.raises(ValidationError):
            Settings(**wrong)


class Engine:
    def __init__(self, state=YES):
        self.state = state

    def fact_state(self, flow, name):
        return self.state


def answer(parameters, facts, state=YES, **attributes):
    match = Payload.model_validate(parameters).compile(Engine(state))
    return match(None, make_flow(facts=facts, **attributes))


def test_the_rule_answers_by_class_confidence_and_entropy():
    facts = {"payload_class": "encrypted", "confidence": 0.8, "entropy": 7.9, "bytes_seen": 5000}
    unknown = {"app_proto": "unknown", "detect_done": True}
    assert answer({"is": "encrypted"}, facts, **unknown) is YES
    assert answer({"is": ["plain", "encrypted"]}, facts, **unknown) is YES
    assert answer({"is": "compressed"}, facts, **unknown) is NO
    assert answer({"is": "encrypted", "min_confidence": 0.9}, facts, **unknown) is NO
    assert answer({"is": "encrypted", "min_entropy": 7.95}, facts, **unknown) is NO


def test_the_rule_waits_for_the_unknown_and_not_for_the_known():
    assert answer({"is": "encrypted"}, {}, PENDING) is PENDING
    assert answer({"is": "encrypted"}, {}, PENDING, app_proto="unknown") is PENDING
    assert answer({"is": "encrypted"}, {}, PENDING, app_proto="tls") is PENDING
    assert answer({"is": "encrypted"}, {}, PENDING, app_proto="tls", confirmed=True) is NO
    assert answer({"is": "encrypted"}, {}, YES, app_proto="tls", detect_done=True) is NO
    assert answer({"is": "encrypted"}, {}, YES, app_proto="none", detect_done=True) is NO
    assert answer({"is": "encrypted"}, {}, PENDING, app_proto="socks", confirmed=True, opaque=True) is PENDING


def verdicts(talk):
    lab = engine(CONFIGURATION, plugins={"hedge": Hedge(Settings())})
    return lab.send(talk)


def datagrams(data, size=1200):
    talk = conversation("udp")
    for at in range(0, len(data), size):
        talk = talk.client(data[at : at + size])
    return talk


def test_an_encrypted_udp_flow_is_dropped_within_the_window():
    rng = random.Random(4)
    dropped = 0
    for _ in range(20):
        given = verdicts(datagrams(rng.randbytes(64 * 1024)))
        assert given[0].action is ACCEPT
        dropped += given[-1].action is DROP and given[-1].final
    assert dropped >= 19


def test_a_compressed_file_and_text_pass(text, products):
    for data in (gzip.compress(text), products["xz"], products["zip"], text, products["mp4"]):
        given = verdicts(datagrams((data * 3)[:66_000] if data is text else data))
        assert all(verdict.action is ACCEPT for verdict in given)
