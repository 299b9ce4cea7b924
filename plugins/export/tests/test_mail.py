"""Alerts arrive at a real SMTP server on loopback; what came from the network cannot add a header or a receiver."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from pydantic import ValidationError
from pywall_export.mail import Mail, MailOptions

from pywall_core.testing import InMemory, engine


class Postbox(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


@pytest.fixture
def server() -> Iterator[Controller]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    controller = Controller(Postbox(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def mailing(server: Controller, **options: Any) -> tuple[Mail, InMemory]:
    plugin = Mail(MailOptions(to=["admin@example.org", "other@example.org"], port=server.port, **options))
    return plugin, engine({"chains": {}}, plugins={"mail": plugin}, live=True)


def alert(signature: str) -> dict[str, Any]:
    return {"event_type": "alert", "alert": {"signature": signature}, "src_ip": "192.0.2.1", "src_port": 7}


def test_an_alert_is_mailed(server: Controller) -> None:
    plugin, lab = mailing(server)
    plugin.pywall_event(alert("no dns"))
    plugin.pywall_event({"event_type": "flow"})
    lab.close()
    (mail,) = server.handler.mails
    assert mail["Subject"] == "PyWall: no dns (192.0.2.1 port 7)"
    assert mail["X-RcptTo"] == "admin@example.org, other@example.org"
    assert '"src_ip": "192.0.2.1"' in mail.get_payload()
    assert plugin.pywall_stats() == {"sent": 1, "failed": 0, "suppressed": 0}


def test_text_of_the_network_adds_no_header(server: Controller) -> None:
    plugin, lab = mailing(server)
    plugin.pywall_event(alert("x\r\nBcc: thief@example.org\r\n\r\nbody\r\n.\r\nRCPT TO:<thief@example.org>\r\n"))
    lab.close()
    (mail,) = server.handler.mails
    assert mail["Bcc"] is None
    assert "thief" not in mail["X-RcptTo"]


def test_more_than_the_rate_is_counted(server: Controller) -> None:
    plugin, lab = mailing(server, burst=2)
    for number in range(10):
        plugin.pywall_event(alert(f"number {number}"))
    lab.close()
    stats = plugin.pywall_stats()
    assert (stats["sent"], stats["suppressed"]) == (2, 8)


def test_no_tls_is_written_as_yaml_reads_it() -> None:
    assert MailOptions.model_validate({"to": ["a@example.org"], "tls": False}).tls == "no"


def test_without_tls_nothing_is_sent_where_it_is_asked(server: Controller) -> None:
    plugin, lab = mailing(server, tls="starttls")
    plugin.pywall_event(alert("secret"))
    lab.close()
    assert plugin.pywall_stats()["failed"] == 1
    assert server.handler.mails == []


def test_a_server_that_is_away_costs_its_alert_alone() -> None:
    plugin = Mail(MailOptions(to=["admin@example.org"], port=1, timeout=1.0))
    lab = engine({"chains": {}}, plugins={"mail": plugin}, live=True)
    plugin.pywall_event(alert("lost"))
    lab.close()
    assert plugin.pywall_stats()["failed"] == 1


def test_somebody_must_be_named() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        MailOptions(to=[])
