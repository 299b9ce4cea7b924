"""The plugin over flows: facts, the rule kind `payload`, and the policy that drops what is encrypted and unknown."""

import gzip
import random

import pytest
from pydantic import ValidationError
from pywall_hedge.options import Settings
from pywall_hedge.plugin import FACTS, Hedge, begin, evidence
from pywall_hedge.rule import Payload
from pywall_hedge.stream import FALSE_DROP, MISS
from pywall_hedge.wald import thresholds

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


def test_ciphertext_settles_within_a_few_kilobytes():
    plugin, flow = Hedge(Settings()), unknown_flow()
    facts = feed(plugin, flow, random.Random(1).randbytes(80_000))
    assert isinstance(facts, Facts)
    assert tuple(facts) == FACTS
    assert facts["payload.class"] == "encrypted"
    assert facts["payload.confidence"] > 0.97
    assert facts["payload.entropy"] > 7.5
    assert facts["payload.bytes_seen"] <= 8192
    assert facts["payload.odds"] >= thresholds(FALSE_DROP, MISS).upper
    assert not flow.ext
    assert plugin.pywall_stats() == {
        "settled": {"plain": 0, "compressed": 0, "encrypted": 1, "obfuscated": 0, "unknown": 0},
        "peers": 0,
    }


def test_wanted_error_rates_move_the_moment():
    seen = []
    for false_drop in (0.2, 0.05, FALSE_DROP):
        settings = Settings(false_drop=false_drop)
        seen.append(feed(Hedge(settings), unknown_flow(), random.Random(1).randbytes(80_000), 90)["payload.bytes_seen"])
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


def test_a_prior_moves_the_moment():
    """What is remembered of a peer is set before the first byte, or later."""
    data, settings = random.Random(1).randbytes(80_000), Settings()
    without = feed(Hedge(settings), unknown_flow(), data, 90)["payload.bytes_seen"]
    flow = unknown_flow()
    begin(flow, settings).prior = 3.0
    assert feed(Hedge(settings), flow, data, 90)["payload.bytes_seen"] < without


def test_evidence_is_open_while_the_test_goes_on():
    plugin, flow = Hedge(Settings()), unknown_flow()
    assert evidence(flow) is None
    assert feed(plugin, flow, random.Random(1).randbytes(90), 90) is MORE
    known = evidence(flow)
    known.prior = 1.5
    assert known.odds == pytest.approx(known.own_odds + 1.5)
    assert known.decision() in (None, False)


def test_text_goes_on_to_the_window_and_is_plain(text):
    plugin, flow = Hedge(Settings()), unknown_flow()
    assert feed(plugin, flow, text[:60_000]) is MORE
    facts = feed(plugin, flow, text[60_000:70_000])
    assert facts["payload.class"] == "plain"
    assert facts["payload.bytes_seen"] >= 65_536


def test_a_flow_joined_in_the_middle_is_never_called_encrypted_by_its_bytes_alone():
    flow = unknown_flow(midstream=True)
    facts = feed(Hedge(Settings()), flow, random.Random(1).randbytes(80_000))
    assert facts["payload.bytes_seen"] >= 65_536


def test_a_flow_that_ends_early_says_what_it_looked_like():
    plugin, flow = Hedge(Settings(false_drop=1e-6)), unknown_flow()
    assert feed(plugin, flow, random.Random(3).randbytes(2000)) is MORE
    plugin.pywall_flow_end(flow, "closed")
    assert flow.facts["payload.class"] == "encrypted"
    assert flow.facts["payload.odds"] > 0
    flow = unknown_flow()
    assert plugin.pywall_classify(flow, True, b"hi") is MORE
    plugin.pywall_flow_end(flow, "closed")
    assert flow.facts["payload.class"] == "unknown"
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
    facts = {
        "payload.class": "encrypted",
        "payload.confidence": 0.8,
        "payload.entropy": 7.9,
        "payload.bytes_seen": 5000,
    }
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


def test_datagrams_of_ciphertext_one_way_are_dropped_within_24_kib():
    rng = random.Random(4)
    dropped = 0
    for _ in range(20):
        given = verdicts(datagrams(rng.randbytes(24 * 1024)))
        dropped += given[-1].action is DROP and given[-1].final
    assert dropped >= 18


def test_a_compressed_file_and_text_pass(text, products):
    for data in (gzip.compress(text), products["xz"], products["zip"], text, products["mp4"]):
        given = verdicts(datagrams((data * 3)[:66_000] if data is text else data))
        assert all(verdict.action is ACCEPT for verdict in given)


def test_a_window_spent_without_a_decision_is_not_called_encrypted():
    settings = Settings(false_drop=1e-30, window=4096)
    facts = feed(Hedge(settings), unknown_flow(), random.Random(1).randbytes(20_000))
    assert facts["payload.class"] == "unknown"
    assert facts["payload.odds"] > 0
