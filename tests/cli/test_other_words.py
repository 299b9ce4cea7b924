"""Commands and options as other programs call them."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.cli.common import USAGE


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stop"], "no command 'stop': write systemctl stop pywall"),
        (["start"], "write pywall run"),
        (["logs"], "write pywall events --follow"),
        (["ban", "192.0.2.1"], "write pywall block ADDRESS --for 1h"),
        (["verfy"], "did you mean 'verify'?"),
        (["replay", "-r", "x.pcap"], "write the capture alone, pywall replay FILE"),
        (["replay", "-i", "eth0", "x.pcap"], "a live interface is for pywall watch -i DEVICE"),
        (["replay", "--outptu", "x", "x.pcap"], "did you mean '--output'?"),
        (["watch", "eth0"], "write pywall watch -i eth0"),
        (["rules", "show", "ip"], "write pywall rules ip"),
        (["replay", "--workers", "0", "x.pcap"], "'0' is not a number from 1"),
        (["replay", "--flow", "0", "x.pcap"], "'0' is not a number from 1"),
        (["stats", "--watch", "abc"], "'abc' is not a number of seconds: write 5"),
        (["reload", "--confirm=-5"], "'-5' is not a number of seconds"),
        (["flows", "show", "abc"], "write pywall flows show ID, with the number in column 1"),
        (["flows", "--filter", "tcp.port==22"], "'tcp.port==22': write port 22"),
        (["flows", "--filter", "src=10.0.0.1"], "write src host 10.0.0.1"),
    ],
    ids=" ".join,
)
def test_what_is_meant_is_said(pywall: Any, words: list[str], says: str) -> None:
    done = pywall(*words)
    assert done.code == USAGE
    assert says in done.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('DEFAULT_INPUT_POLICY="DROP"\n', "settings of ufw"),
        ("ufw allow 22/tcp\n", "commands of ufw"),
        ("Status: active\n\nTo Action From\n", "what ufw status prints"),
        ("### tuple ###\n-A ufw-user-input -p tcp -j ACCEPT\n", "rules of ufw without their table"),
    ],
)
def test_another_file_of_ufw_is_called_what_it_is(pywall: Any, tmp_path: Any, text: str, says: str) -> None:
    file = tmp_path / "ufw"
    file.write_text(text)
    done = pywall("convert", str(file))
    assert done.code == 3
    assert says in done.err
    assert "/etc/ufw/user.rules" in done.err
