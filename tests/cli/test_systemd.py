"""``pywall systemd``: what would keep the service from its start is said, and the unit can be removed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import systemd


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(systemd, "UNIT", tmp_path / "pywall.service")
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
    return tmp_path / "pywall.service"


def test_a_missing_configuration_is_said_with_the_command_that_writes_one(pywall, unit: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall("systemd", "install", "--config", "/etc/no-such-folder/pywall.yaml")
    assert code == 0
    assert "no /etc/no-such-folder/pywall.yaml yet: mkdir /etc/no-such-folder && pywall init" in err
    assert f"{unit} written; then: systemctl" in out
    assert "--config /etc/no-such-folder/pywall.yaml" in unit.read_text()


def test_what_the_service_cannot_see_is_said(pywall, unit: Path) -> None:  # type: ignore[no-untyped-def]
    err = pywall("systemd", "install", "--config", "/tmp/pywall.yaml").err
    assert "the service has a /tmp of its own and cannot see /tmp/pywall.yaml" in err


def test_nothing_is_said_where_all_is_there(pywall, unit: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall("systemd", "install", "--config", "policy:host-firewall")
    assert (code, err) == (0, "")
    assert "written; now: systemctl" in out


def test_what_was_installed_can_be_removed(pywall, unit: Path) -> None:  # type: ignore[no-untyped-def]
    pywall("systemd", "install", "--config", "policy:host-firewall")
    code, out, _ = pywall("systemd", "uninstall")
    assert code == 0
    assert "removed; now: systemctl disable --now pywall" in out
    assert not unit.exists()
    code, _, err = pywall("systemd", "uninstall")
    assert code == 1
    assert err == f"{unit}: there is none\n"
