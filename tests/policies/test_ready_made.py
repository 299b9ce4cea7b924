"""server, kiosk and home with traffic of real clients, and what `pywall init` writes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.cli.init import policy
from pywall_core.testing import engine

from .policy_traffic import connections, send


def outcome(text: str, traffic: str) -> str:
    lab = engine(text)
    passed = [last for packets in connections(traffic) for last in send(lab, packets)]
    return "passes" if passed[-1] else "stops"


@pytest.mark.parametrize(
    ("name", "traffic", "expected"),
    [
        ("server", "in tcp 203.0.113.9 22 ssh", "passes"),
        ("server", "in tcp 203.0.113.9 22 http:a.example", "stops"),
        ("server", "10x in tcp 203.0.113.9 22 ssh", "passes"),
        ("server", "12x in tcp 203.0.113.9 22 ssh", "stops"),
        ("server", "in tcp 203.0.113.9 443 tls:a.example", "passes"),
        ("server", "in tcp 203.0.113.9 80 http:a.example", "passes"),
        ("server", "in tcp 203.0.113.9 443 ssh", "stops"),
        ("server", "in tcp 203.0.113.9 3306 none", "stops"),
        ("server", "in icmp 203.0.113.9 0 none", "passes"),
        ("server", "out tcp 203.0.113.9 443 tls:mirror.example", "passes"),
        ("kiosk", "out tcp 203.0.113.9 443 tls:www.example.com", "passes"),
        ("kiosk", "out tcp 203.0.113.9 443 tls:www.evil.test", "stops"),
        ("kiosk", "out udp 203.0.113.53 53 dns:www.example.org", "passes"),
        ("kiosk", "out udp 203.0.113.53 53 dns:www.evil.test", "stops"),
        ("kiosk", "out tcp 203.0.113.9 443 ssh", "stops"),
        ("kiosk", "in tcp 203.0.113.9 22 ssh", "stops"),
        ("home", "out tcp 203.0.113.9 443 tls:a.example", "passes"),
        ("home", "out udp 203.0.113.9 27015 burst", "passes"),
        ("home", "in tcp 192.168.1.7 22 ssh", "passes"),
        ("home", "in tcp 203.0.113.9 22 ssh", "stops"),
        ("home", "in udp 192.168.1.7 5353 none", "passes"),
        ("home", "in udp 203.0.113.9 5353 none", "stops"),
        ("home", "in tcp 192.168.1.7 8080 http:a.example", "stops"),
        ("strict-carriers", "in tcp 203.0.113.9 80 body:noise", "stops"),
        ("strict-carriers", "in tcp 203.0.113.9 80 body:text", "passes"),
        ("strict-carriers", "out udp 203.0.113.53 53 dns:www.example.org", "passes"),
        ("strict-carriers", "in icmp 203.0.113.9 0 burst", "passes"),
    ],
)
def test_what_a_ready_made_policy_does(name: str, traffic: str, expected: str) -> None:
    text = resources.files("pywall_core.policies").joinpath(f"{name}.yaml").read_text()
    assert outcome(text, traffic) == expected


def test_a_written_policy_lets_friends_in_at_a_rate() -> None:
    text = policy(["ssh"], ["192.168.0.0/16"], "2/h", encrypted=False, observe=False)
    assert outcome(text, "in tcp 192.168.1.7 22 ssh") == "passes"
    assert outcome(text, "in tcp 203.0.113.9 22 ssh") == "stops"
    assert outcome(text, "5x in tcp 192.168.1.7 22 ssh") == "stops"


def test_the_command_writes_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    assert main(["init", str(file), "--offer", "ssh,web"]) == 0
    assert f"pywall check {file}" in capsys.readouterr().out
    assert main(["check", str(file)]) == 0
    assert main(["init", str(file)]) == 1
    assert main(["init", "-", "--offer", "gopher"]) == 2
    assert main(["init", "-", "--from", "everywhere"]) == 2
