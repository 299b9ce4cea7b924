"""nft reads its text anywhere, also what it would refuse on another machine than its own."""

from __future__ import annotations

import json
import subprocess

import pytest

from pywall_core.cli.convert_nft import convert
from pywall_core.cli.convert_nft_text import text_as_json

TEXT = """table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iif "pw-elsewhere" accept
    iif != lo tcp dport 80 drop
    meta skuid "pw-nobody-here" accept
    socket cgroupv2 level 2 "system.slice/pw-none.service" accept
    fib saddr . iif oif missing drop
    tcp dport 22 accept
  }
}
"""


@pytest.fixture(autouse=True)
def _nft() -> None:
    try:
        done = subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs nft")
    if done.returncode:
        pytest.skip("needs nft, and a network namespace")


def test_what_only_its_machine_knows_is_left_out_and_said() -> None:
    text, notes = text_as_json(TEXT)
    assert "pw-elsewhere" in text
    rules = [one["rule"] for one in json.loads(text)["nftables"] if "rule" in one]
    assert any("22" in json.dumps(rule) for rule in rules)
    assert any(note.startswith("line 6: not converted, nft refuses it here") for note in notes)
    assert any(note.startswith("line 7:") and "pw-none.service" in note for note in notes)
    first = convert(TEXT).data["chains"]["INPUT"][0]
    assert first == {"rule": "iface", "in": "pw-elsewhere", "action": "ACCEPT"}


@pytest.mark.parametrize("wrong", ["tcp door 22 accept", "tcp dport {22 accept", "jump nowhere-at-all {"])
def test_what_is_no_ruleset_is_refused_with_its_line(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"line \d+: nft: "):
        text_as_json(TEXT.replace("tcp dport 22 accept", wrong))
