"""Messages to systemd, as sd_notify(3) has them."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from pywall_core.daemon.systemd_notify import notify, reloading


def test_lines_come_as_they_are(notifications: Callable[[], list[str]]) -> None:
    notify("READY=1", "STATUS=running")
    assert notifications() == ["READY=1", "STATUS=running"]


def test_a_reload_says_when_it_began(notifications: Callable[[], list[str]]) -> None:
    reloading()
    first, second = notifications()
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")  # the kernel chooses an abstract name
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + manager.getsockname()[1:].decode())
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "relative", "/nobody/listens"])
def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
