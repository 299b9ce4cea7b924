"""Stratum: miners and pools."""

from pywall_protocols.messaging import stratum

from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

#: the examples of the Bitcoin wiki's page on the protocol
SUBSCRIBE = b'{"id": 1, "method": "mining.subscribe", "params": []}\n'
SUBSCRIBED = b'{"id": 1, "result": [ [ ["mining.set_difficulty", "b4b6693b"] ], "08000002", 4], "error": null}\n'
LOGIN = b'{"method":"login","params":{"login":"wallet","pass":"x","agent":"xmr-stak-cpu/1.3.0"},"id":1}\n'

TestStratum = detector_contract(
    stratum,
    [(SUBSCRIBE, SUBSCRIBED), (LOGIN, b'{"id":1,"jsonrpc":"2.0","error":null,"result":{}}\n'), (SUBSCRIBE, b"")],
    [
        (b'{"method":"login","params":{"user":"x"},"id":1}\n', b""),
        (b'{"id": 1, "method": "getinfo"}\n', b'{"result": 1}\n'),
        (b"{" + NOISE, NOISE),
    ],
)


def test_facts(ask):
    assert ask(stratum, LOGIN).facts == {"method": "login", "agent": "xmr-stak-cpu/1.3.0"}
    assert ask(stratum, SUBSCRIBE, SUBSCRIBED).confirmed
