"""ESP in UDP: SPI and sequence numbers."""

from pywall_protocols.tunnels import esp_udp

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12


def packet(number, spi=0xC0FFEE01, at=0):
    return spi.to_bytes(4, "big") + number.to_bytes(4, "big") + NOISE[7 * number + at : 7 * number + at + 64]


def talk(packets):
    said = conversation("udp")
    for data in packets:
        said = said.client(data)
    return said


TestEsp = detector_contract(
    esp_udp,
    [talk([packet(n) for n in (5, 6, 7)]), talk([packet(5), b"\xff", packet(6), packet(8)])],
    [
        talk([packet(5), packet(5), packet(6)]),
        talk([packet(n, spi=n) for n in (5, 6, 7)]),
        talk([packet(1), packet(1000), packet(2000)]),
        talk([NOISE[:40], NOISE[40:80], NOISE[80:120]]),
    ],
)


def test_facts(ask):
    match = ask(esp_udp, [packet(n) for n in (5, 6, 7)])
    assert match == Match("esp", {"spi": "c0ffee01"}, confirmed=False)
