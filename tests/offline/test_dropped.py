"""The pcapng of what did not pass: readable by others, a comment at each packet."""

from __future__ import annotations

from pathlib import Path

from dpkt import pcapng

from pywall_core.cli import main
from pywall_core.sources.pcap import read

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"
POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: DROP}
"""


def test_dropped_packets_carry_rule_and_reason(tmp_path: Path) -> None:
    policy, out = tmp_path / "p.yaml", tmp_path / "dropped.pcapng"
    policy.write_text(POLICY)
    assert main(["replay", "--config", str(policy), "--write-dropped", str(out), str(DATA)]) == 0
    packets = list(read(out))
    assert packets
    assert {data for _, _, data, _ in packets} < {data for _, _, data, _ in read(DATA)}
    with out.open("rb") as file:
        blocks = [block for block in _blocks(file.read()) if block.startswith(b"\x06\0\0\0")]
    comments = [pcapng.EnhancedPacketBlockLE(block).opts[0].text for block in blocks]
    assert len(comments) == len(packets)
    assert set(comments) == {"DROP by app is=ssh (p.yaml:5)"}


def _blocks(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[4:8], "little")
        found.append(data[:length])
        data = data[length:]
    return found
