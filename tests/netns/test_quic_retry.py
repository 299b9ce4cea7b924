"""QUIC behind a Retry, with the servers of aioquic and ngtcp2: the name that counts is that of the last ClientHello."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.certificates import make_certificate
from tests.covert.labs import Stage, need, wait_for

pytestmark = pytest.mark.netns
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: quic.sni, is: secret.example, action: DROP, comment: name}]
  OUTPUT: [{rule: fact, name: quic.sni, is: secret.example, action: DROP, comment: name}]
default: ACCEPT
"""
SERVER = """
import asyncio, sys
from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration
async def main():
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(sys.argv[2], sys.argv[2])
    await serve(sys.argv[1], 4433, configuration=configuration, retry=True)
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
#: HOST PORT NAME [NAME behind the Retry]: says whether the handshake came about, and whether there was a Retry
CLIENT = """
import asyncio, ssl, sys
from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
host, port, name, *later = sys.argv[1:]
seen = []
inner = QuicConnection._connect
def again(self, now):
    seen.append(1)
    if len(seen) > 1 and later:
        self._configuration.server_name = later[0]
    inner(self, now)
QuicConnection._connect = again
async def main():
    configuration = QuicConfiguration(alpn_protocols=["h3"], server_name=name, verify_mode=ssl.CERT_NONE)
    configuration.idle_timeout = 4
    try:
        async with connect(host, int(port), configuration=configuration) as protocol:
            await protocol.ping()
            print("done", len(seen) - 1, flush=True)
    except ConnectionError:
        print("refused", len(seen) - 1, flush=True)
asyncio.run(asyncio.wait_for(main(), 20))
"""
PORTS = {"aioquic": 4433, "ngtcp2": 4434}


@pytest.fixture(params=PORTS)
def server(request: pytest.FixtureRequest, netns_lab: Any) -> Iterator[tuple[Stage, int]]:
    pytest.importorskip("aioquic")
    with tempfile.TemporaryDirectory(prefix="pywall-") as name:
        stage = Stage(netns_lab(), Path(name))
        certificate = make_certificate(stage.folder, "a.example")
        if request.param == "aioquic":
            stage.start("server", sys.executable, "-c", SERVER, stage.server, certificate.both, ready="ready")
        else:
            need("gtlsserver")
            words = ("gtlsserver", "-q", "-V", stage.server, "4434", certificate.both, certificate.both)
            stage.start("server", *words)
        stage.wait_listening("server", PORTS[request.param], "u")
        yield stage, PORTS[request.param]


def asks(stage: Stage, port: int, *names: str) -> str:
    return stage.lab.run("client", sys.executable, "-c", CLIENT, stage.server, str(port), *names).strip()


def test_the_name_behind_a_retry_counts(server: tuple[Stage, int]) -> None:
    stage, port = server
    assert asks(stage, port, "good.example", "secret.example") == "done 1", "without a firewall"
    stage.start_firewall(POLICY)
    assert asks(stage, port, "good.example") == "done 1"
    assert asks(stage, port, "secret.example") == "refused 0"
    assert asks(stage, port, "good.example", "secret.example") == "refused 1"
    wait_for(lambda: len(stage.events("drop")) >= 2, "a drop event each")
    stage.stop_firewall()
    assert [event["anomaly"]["event"] for event in stage.events("anomaly")] == ["quic.sni_changed"]
    hellos = [event["quic"] for event in stage.events("quic")]
    assert [hello["sni"] for hello in hellos] == ["good.example"] * 2 + ["secret.example"] + [
        "good.example",
        "secret.example",
    ]
