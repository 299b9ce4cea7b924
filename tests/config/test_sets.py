"""``sets:`` in a policy: files of all forms, references checked, what rules add."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from pywall_core.api import SYN
from pywall_core.cli.common import prepare
from pywall_core.config import ConfigError, loads
from pywall_core.config.set_addition import seconds
from pywall_core.config.sets import check_sets, entries_of
from pywall_core.testing import InMemory, conversation, engine, tcp_packet

POLICY = """\
version: 1
plugins: [rules, stream, protocols]
sets:
  blocked: {entries: [192.0.2.0/28]}
  scanners: {}
  ads: {type: names, entries: [ads.example]}
  ports: {type: ports, entries: [8000-8999]}
chains:
  INPUT:
    - {rule: ip, src: ['@blocked', 192.0.2.77], action: DROP}
    - {rule: ip, src: '@scanners', action: DROP}
    - {rule: port, protocol: tcp, dst: 23, action: DROP, add: {set: scanners, for: 10m}}
    - {rule: port, dst: '@ports', action: REJECT}
    - {rule: fact, name: http.hostname, in: '@ads', action: DROP, add: {set: ads, key: http.hostname}}
"""


def act(lab: InMemory, src: str, dport: int) -> str:
    (verdict,) = lab.send([tcp_packet(src, 4000, "198.51.100.2", dport, seq=1, flags=SYN)])
    return verdict.action.name


def test_rules_ask_sets_and_add_to_them() -> None:
    lab = engine(POLICY)
    assert bytes([192, 0, 2, 1]) in lab.engine.sets["blocked"]
    assert act(lab, "192.0.2.1", 80) == "DROP"
    assert act(lab, "192.0.2.77", 80) == "DROP"
    assert act(lab, "192.0.2.20", 80) == "ACCEPT"
    assert act(lab, "192.0.2.20", 8500) == "REJECT"
    assert act(lab, "192.0.2.30", 23) == "DROP"
    assert act(lab, "192.0.2.30", 80) == "DROP"
    added = [event["set"] for event in lab.of_type("set")]
    assert added == [{"name": "scanners", "entry": "192.0.2.30", "op": "add"}]


def test_a_change_reaches_flows_that_were_decided() -> None:
    """Accepted ones are dropped from then on; one that was dropped begins anew when its entry goes."""
    lab = engine(POLICY.partition("    - {rule: fact")[0])
    assert act(lab, "192.0.2.40", 80) == "ACCEPT"
    (flow,) = lab.flows
    change = {"op": "add", "set": "blocked", "entries": ["192.0.2.40", "no address"], "for": 60}
    assert lab.engine.set_changes.apply(change, 0.0) == [flow]
    assert act(lab, "192.0.2.40", 80) == "DROP"
    lab.engine.set_changes.apply({"op": "delete", "set": "blocked", "entries": ["192.0.2.40"]}, 1.0)
    assert act(lab, "192.0.2.40", 80) == "ACCEPT"
    assert lab.engine.set_changes.refused == 1


def test_names_match_below() -> None:
    talk = conversation(client=("192.0.2.50", 4000), server=("198.51.100.2", 80))
    talk = talk.client(b"GET / HTTP/1.1\r\nHost: x.ads.example\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n")
    lab = engine(POLICY)
    verdicts = lab.send(talk)
    assert verdicts[-1].rule == "INPUT[4]"
    assert "x.ads.example" in lab.engine.sets["ads"].values


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("'@blocked', 192.0.2.77", "'@bloked'"), "there is no set 'bloked'; did you mean 'blocked'?"),
        (("src: '@scanners'", "src: '@ads'"), "@ads is a set of names, a set of addresses is needed here"),
        (("set: scanners, for: 10m", "set: scanner"), "there is no set 'scanner'; did you mean 'scanners'?"),
        (("for: 10m", "for: soon"), "'soon' is not a span of time (90s, 10m, 1h, 7d, 1h30m)"),
        (("192.0.2.0/28", "192.0.2.0/33"), "is not an address or network"),
        (("  ads:", "  Ads:"), "is not a set name (a-z, 0-9, '_', '-', at most 20, a letter first): write ads"),
        (("scanners: {}", "scanners: {file: /x, source: ftp://a/b}"), "should be file:///PATH, http:// or https://"),
        (("scanners: {}", "scanners: {file: /x, source: /srv/list}"), "write file:///srv/list"),
    ],
)
def test_mistakes_have_their_place_and_the_right_form(change: tuple[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        engine(POLICY.replace(*change))
    assert says in str(caught.value)


def test_files_of_all_forms(tmp_path: Path) -> None:
    plain, hosts, table, packed = (tmp_path / name for name in ("plain", "hosts", "table.csv", "plain.gz"))
    plain.write_text("# a comment\n192.0.2.1\n\n192.0.2.0/24 # why\n; another\n")
    hosts.write_text("127.0.0.1 localhost\n0.0.0.0 ads.example tracker.example\n::1 ip6-localhost\n")
    table.write_text('"2026-01-01","192.0.2.9","x"\n# comment\n"2026-01-02","192.0.2.10","y"\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [entry for _, entry in entries_of(str(plain))] == ["192.0.2.1", "192.0.2.0/24"]
    assert [entry for _, entry in entries_of(str(hosts))] == ["ads.example", "tracker.example"]
    assert list(entries_of(str(table), 2)) == [(f"{table}:1", "192.0.2.9"), (f"{table}:3", "192.0.2.10")]
    assert [entry for _, entry in entries_of(str(packed))] == ["192.0.2.1", "192.0.2.0/24"]


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604800), (5, 5)])
def test_spans_of_time(text: object, value: float) -> None:
    assert seconds(text) == value


def test_a_file_that_is_not_there_is_an_error_and_one_to_be_fetched_a_warning(tmp_path: Path) -> None:
    text = f"""\
version: 1
sets:
  bad: {{file: {tmp_path}/bad.txt}}
  feed: {{file: {tmp_path}/feed.txt, source: 'https://feeds.example/x'}}
  own: {{entries: [nonsense here]}}
"""
    config = loads(text.encode(), "p.yaml", strict=False)
    check_sets(config, entries=False)
    assert [(one.line, one.message) for one in config.problems] == [(3, f"{tmp_path}/bad.txt: there is no such file")]
    (warning,) = config.suspicious
    assert (warning.line, warning.code) == (4, "W028")
    assert "'pywall set refresh feed'" in warning.message
    check_sets(config, entries=True)
    assert [one.line for one in config.problems[1:]] == [3, 5]


def test_check_reads_entries_of_files(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("192.0.2.1\n192.0.2.300\n")
    policy = tmp_path / "p.yaml"
    policy.write_text(f"version: 1\nsets: {{bad: {{file: {tmp_path}/bad.txt}}}}\n")
    prepare(str(policy))
    with pytest.raises(ConfigError, match=r"p\.yaml:2:20: .*bad\.txt:2: '192\.0\.2\.300' is not an address"):
        prepare(str(policy), sets=True)


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_set_is_read_from_files_alone(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "entries"
    os.mkfifo(file) if kind == "fifo" else file.symlink_to("/dev/zero")
    with pytest.raises(OSError, match="a pipe or a device is no file"):
        list(entries_of(str(file)))


def test_the_null_device_is_an_empty_list(tmp_path: Path) -> None:
    link = tmp_path / "none"
    link.symlink_to(os.devnull)
    for file in (os.devnull, str(link)):
        assert list(entries_of(file)) == []
        assert list(entries_of(file, 2)) == []
