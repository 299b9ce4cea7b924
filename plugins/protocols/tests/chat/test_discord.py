"""Discord's voice channels."""

from pywall_protocols.chat import discord

from pywall_core.testing import conversation, detector_contract

REQUEST = b"\0\1\0\x46" + b"\0\0\xac\xe3" + bytes(66)
RESPONSE = b"\0\2\0\x46" + b"\0\0\xac\xe3" + b"192.0.2.1".ljust(64, b"\0") + b"\x9c\x40"
KEEP_ALIVE = bytes.fromhex("1337cafe0e000000")

TestDiscord = detector_contract(
    discord,
    [conversation("udp").client(REQUEST).server(RESPONSE), conversation("udp").client(KEEP_ALIVE).server(KEEP_ALIVE)],
    [
        conversation("udp").client(REQUEST[:-1]),
        conversation("udp").client(REQUEST[:8] + b"x" * 64 + b"\0\0"),
        conversation("udp").client(KEEP_ALIVE + b"\0"),
    ],
)


def test_confirmed(ask):
    assert ask(discord, [REQUEST], [RESPONSE]).confirmed
