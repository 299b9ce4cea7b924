"""WS-Discovery: probes and matches."""

from pywall_protocols.discovery import ws_discovery

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

HEAD = (
    b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    b'xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"><soap:Header>'
)
ACTION = b"<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/%s</wsa:Action></soap:Header></soap:Envelope>"
PROBE = HEAD + ACTION % b"Probe"

TestWsDiscovery = detector_contract(
    ws_discovery,
    [conversation("udp").client(PROBE), conversation("udp").client(PROBE).server(HEAD + ACTION % b"ProbeMatches")],
    [
        conversation("udp").client(b"<?xml version='1.0'?><a/>"),
        conversation("udp").client(HEAD + b"</soap:Header></soap:Envelope>"),
        conversation("udp").client(b"<" + NOISE),
    ],
)


def test_facts(ask):
    assert ask(ws_discovery, [PROBE]).facts == {"message": "Probe"}
    assert ask(ws_discovery, [PROBE], [HEAD + ACTION % b"ProbeMatches"]).confirmed
