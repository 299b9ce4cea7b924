"""``spa``: one genuine datagram opens once, for its own sender; nothing else does."""

from __future__ import annotations

import argparse
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pywall_rules.authorization import SIZE, genuine, make, read_secret, sent_at
from pywall_rules.client import command
from pywall_rules.spa import Authorizations, Spa

from pywall_core.api import ACCEPT, DROP, INPUT, SYN, Action, decode
from pywall_core.testing import InMemory, engine, tcp_packet, udp_packet

KEY = b"0123456789abcdef0123456789abcdef"
HOST, CLIENT, OTHER = "198.51.100.2", "192.0.2.1", "192.0.2.9"
NOW = 1_800_000_000.0


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_bytes(KEY + b"\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def wall(secret: Path) -> InMemory:
    rule = f"{{rule: spa, port: 22, secret_file: {secret}, grant: 10, action: ACCEPT}}"
    return engine(f"plugins: [rules]\nchains:\n  INPUT:\n    - {rule}\ndefault: {{INPUT: DROP}}\n")


def datagram(address: str = CLIENT, *, key: bytes = KEY, port: int = 22, now: float = NOW) -> bytes:
    return make(key, ip_address(address).packed, 6, port, now=now)


def authorize(wall: InMemory, payload: bytes, src: str = CLIENT, at: float = NOW, dport: int = 62201) -> Action:
    return wall.engine.process(decode(udp_packet(src, 4000, HOST, dport, payload), at, INPUT)).action


def connect(wall: InMemory, src: str = CLIENT, at: float = NOW, sport: int = 5000) -> Action:
    return wall.engine.process(decode(tcp_packet(src, sport, HOST, 22, seq=1, flags=SYN), at, INPUT)).action


def test_opens_for_its_sender_for_the_time_granted(wall: InMemory) -> None:
    assert connect(wall) is DROP
    assert authorize(wall, datagram()) is DROP
    assert connect(wall, sport=5001) is ACCEPT
    assert connect(wall, src=OTHER) is DROP
    assert connect(wall, at=NOW + 10.1, sport=5002) is DROP


@pytest.mark.parametrize("src", [CLIENT, OTHER])
def test_a_captured_datagram_opens_nothing_again(wall: InMemory, src: str) -> None:
    captured = datagram()
    authorize(wall, captured)
    assert connect(wall, at=NOW + 11) is DROP
    authorize(wall, captured, src=src, at=NOW + 12)
    assert connect(wall, src=src, at=NOW + 12, sport=5001) is DROP


def test_a_captured_datagram_that_never_arrived_works_for_nobody_else(wall: InMemory) -> None:
    authorize(wall, datagram(), src=OTHER)
    assert connect(wall, src=OTHER) is DROP
    assert wall.engine.counters["spa.refused"] == 1


@pytest.mark.parametrize(
    "payload",
    [
        datagram(key=b"another secret of some length"),
        datagram(port=23),
        datagram(now=NOW - 31),
        datagram(now=NOW + 31),
        datagram()[:-1],
        datagram() + b"x",
        b"PWK2" + datagram()[4:],
        b"",
        bytes(SIZE),
    ],
    ids=["secret", "port", "old", "future", "short", "long", "magic", "empty", "zeros"],
)
def test_all_else_is_dropped_and_opens_nothing(wall: InMemory, payload: bytes) -> None:
    assert authorize(wall, payload) is DROP
    assert connect(wall) is DROP


def test_another_port_is_not_listened_to(wall: InMemory) -> None:
    authorize(wall, datagram(), dport=62202)
    assert connect(wall) is DROP


@settings(max_examples=200, deadline=None)
@given(st.integers(0, SIZE * 8 - 1))
def test_one_changed_bit_spoils_it(bit: int) -> None:
    genuine_one = datagram()
    changed = bytearray(genuine_one)
    changed[bit // 8] ^= 1 << bit % 8
    source = ip_address(CLIENT).packed
    assert genuine(genuine_one, KEY, source, 6, 22)
    assert sent_at(bytes(changed)) is None or not genuine(bytes(changed), KEY, source, 6, 22)


def test_what_was_made_before_the_start_is_refused() -> None:
    """Used datagrams are not remembered over a restart."""
    source = ip_address(CLIENT).packed
    since = Authorizations(KEY, (6, 22), 30.0, NOW)
    assert not since.take(datagram(now=NOW - 1), source, NOW + 1)
    assert since.take(datagram(now=NOW + 0.5), source, NOW + 1)


def test_memory_of_used_ones_is_cleared_when_they_expire() -> None:
    source = ip_address(CLIENT).packed
    accepted = Authorizations(KEY, (6, 22), 30.0, 0.0)
    for second in range(200):
        assert accepted.take(datagram(now=NOW + second), source, NOW + second)
    assert len(accepted._used) <= 32


def test_secret_files(tmp_path: Path) -> None:
    file = tmp_path / "s"
    file.write_bytes(b"short")
    file.chmod(0o600)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        read_secret(str(file))
    file.write_bytes(KEY)
    file.chmod(0o604)
    with pytest.raises(ValueError, match="other users may read"):
        read_secret(str(file))
    with pytest.raises(ValidationError, match="cannot be read"):
        Spa.model_validate({"port": 22, "secret_file": str(tmp_path / "absent")})


def client(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command(parser)
    args = parser.parse_args(words)
    code: int = args.run(args)
    return code


def test_the_client_sends_a_genuine_datagram(secret: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        port = str(receiver.getsockname()[1])
        assert client("127.0.0.1", "--secret-file", str(secret), "--listen", port, "--open", "2222/tcp") == 0
        payload, (address, _) = receiver.recvfrom(100)
    assert genuine(payload, KEY, ip_address(address).packed, 6, 2222)


def test_the_client_knocks_at_doors() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door, socket.socket() as other:
        door.bind(("127.0.0.1", 0))
        door.settimeout(5)
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(5)
        doors = [f"{door.getsockname()[1]}/udp", f"{other.getsockname()[1]}/tcp"]
        assert client("127.0.0.1", *doors, "--delay", "0") == 0
        assert door.recvfrom(10)[0] == b""
        other.accept()[0].close()


def test_the_client_wants_doors_or_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert client("127.0.0.1") == 2
    assert "doors or --secret-file" in capsys.readouterr().err
