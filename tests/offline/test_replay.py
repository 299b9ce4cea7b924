"""A replay: which hook a packet comes by, and a verdict or a reason for every frame."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main
from pywall_core.offline.replay import captures
from pywall_core.testing import conversation, engine, replay, tcp_packet, write_pcap

DATA = Path(__file__).parents[1] / "data"


def test_folders_stand_for_the_captures_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    for name in ("two.pcapng", "one.pcap", "notes.txt"):
        (below / name).write_bytes(b"")
    assert captures([str(tmp_path), "given.bin"]) == [str(below / "one.pcap"), str(below / "two.pcapng"), "given.bin"]
    assert main(["replay", str(tmp_path / "a" / "b" / "..")]) == 1


HOOKS = {
    "chains": {"INPUT": [], "OUTPUT": [], "FORWARD": []},
    "default": {"INPUT": "DROP", "OUTPUT": "ACCEPT", "FORWARD": "REJECT"},
}


def hooks_of(tmp_path: Path, frames: list[tuple[float, bytes]], **options: Any) -> list[str]:
    """The hooks that the packets met, told by what each chain answers."""
    path = tmp_path / "hooks.pcap"
    write_pcap(path, frames)
    names = {"drop": "INPUT", "accept": "OUTPUT", "reject": "FORWARD"}
    observed = {**HOOKS, "mode": "observe"}
    lab = replay(path, observed, plugins={}, **options)
    would = {event["pcap_cnt"]: event["pywall"]["would"] for event in lab.of_type("alert")}
    return [names[would.get(number, "accept")] for number in range(1, len(frames) + 1)]


def test_packets_to_the_responder_come_by_input_and_back_by_output(tmp_path: Path) -> None:
    talk = conversation("udp").client(b"a").server(b"b")
    assert hooks_of(tmp_path, talk.frames()) == ["INPUT", "OUTPUT"]


def test_a_capture_that_begins_with_the_answer(tmp_path: Path) -> None:
    talk = conversation().frames()[1:]
    assert hooks_of(tmp_path, talk)[0] == "OUTPUT"


def test_fragments_come_by_the_hook_of_their_datagram(tmp_path: Path) -> None:
    """Only the completing fragment gets the chain's answer; the ones before are held and pass."""
    talk = conversation("udp").client(b"a" * 100).server(b"b" * 100).fragments(64)
    assert hooks_of(tmp_path, talk.frames()) == ["OUTPUT", "INPUT", "OUTPUT", "OUTPUT"]


def test_our_side_and_gateway(tmp_path: Path) -> None:
    client = conversation("udp", client=("192.0.2.1", 1), server=("203.0.113.5", 2)).client(b"x").server(b"y")
    frames = client.frames()
    assert hooks_of(tmp_path, frames, local=["192.0.2.0/24"]) == ["OUTPUT", "INPUT"]
    assert hooks_of(tmp_path, frames, local=["203.0.113.5/32"]) == ["INPUT", "OUTPUT"]
    assert hooks_of(tmp_path, frames, local=["10.0.0.0/8"])[0] == "FORWARD"
    assert hooks_of(tmp_path, frames, hook="FORWARD")[0] == "FORWARD"
    multicast = conversation("udp", client=("203.0.113.5", 1), server=("224.0.0.251", 5353)).client(b"x").frames()
    assert hooks_of(tmp_path, multicast, local=["192.0.2.0/24"]) == ["INPUT"]
    assert hooks_of(tmp_path, multicast, local=["203.0.113.0/24"]) == ["OUTPUT"]


def test_time_that_runs_backwards_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "back.pcap"
    raw = tcp_packet("192.0.2.1", 1, "192.0.2.2", 2, seq=1, data=b"x")
    write_pcap(path, [(1e9, raw), (5e8, raw), (2e9, raw), (0, raw)])
    lab = replay(path, {}, plugins={})
    assert len(lab.verdicts) == 4
    assert sum(event["flow"]["pkts_toserver"] for event in lab.of_type("flow")) == 4


def test_every_frame_has_a_verdict_or_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "mixed.pcap"
    frames = [(0.0, bytes(12) + b"\x08\x06" + bytes(28)), (0.1, bytes(12) + b"\x08\x00" + b"\x45")]
    frames += [(1 + time, bytes(12) + b"\x08\x00" + raw) for time, raw in conversation(start=0).frames()]
    write_pcap(path, frames, linktype=1)
    lab = replay(path, {}, plugins={})
    stats = lab.events[-1]["stats"]
    assert stats["frames"] == 5
    assert stats["not_ip"] == {"arp": 1}
    assert sum(stats["verdicts"].values()) == 4


@pytest.mark.captures
def test_all_labelled_captures(captures_folder: Path, tmp_path: Path) -> None:
    """Every packet of every capture gets a verdict or a reason, and no plugin fails."""
    from pywall_core.config import load
    from pywall_core.engine.engine import Engine
    from pywall_core.offline.replay import Hooks
    from pywall_core.offline.replay import replay as run
    from pywall_core.plugins.loader import load as load_plugins

    config = load(None)
    plugins = load_plugins(config)
    failed: Counter[str] = Counter()
    frames = 0
    for path in captures([str(captures_folder)]):
        lab: list[dict[str, Any]] = []
        summary = run(Engine(config, plugins, live=False, sink=lab.append, pcap_filename=path), path, Hooks())
        stats = lab[-1]["stats"]
        assert stats["frames"] == sum(stats["verdicts"].values()) + sum(summary.not_ip.values())
        frames += stats["frames"]
        for name, failure in stats["failures"].items():
            failed[f"{name}: {failure['last']} ({path})"] += failure["errors"]
    assert frames > 80_000
    assert failed == {}


def test_a_reused_engine_configuration_keeps_nothing(tmp_path: Path) -> None:
    config = {
        "chains": {"INPUT": [{"rule": "app", "is": "ssh", "action": "DROP"}]},
        "plugins": ["rules", "stream", "protocols"],
    }
    path = DATA / "ssh-rough.pcap"
    first, second = replay(path, config), replay(path, config)
    assert [verdict.action for verdict in first.verdicts] == [verdict.action for verdict in second.verdicts]
    assert engine(config).flows == []
