"""``pywall explain --verbose`` says which line of a detector said NO."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pywall_protocols.encryption import tls

from pywall_core.api import MORE, NO, Answer
from pywall_core.cli import main
from pywall_core.explain.lines import call_and_locate
from pywall_core.testing import conversation


def short(data: bytes) -> bool:
    return len(data) < 3  # asked by `check`


def check(data: bytes) -> Answer:
    if short(data):
        return MORE
    if data[:1] == b"x":
        return NO  # x
    return NO if not wanted(data) else MORE


def wanted(data: bytes) -> bool:
    if data[:1] == b"y":  # noqa: SIM103 - the line is what is asked for
        return False  # y
    return True


def both(one: Answer, two: Answer) -> Answer:
    return NO if one is NO or two is NO else MORE


def by_both(data: bytes) -> Answer:
    return both(check(data), MORE)


def line_of(comment: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"  # {comment}"))


@pytest.mark.parametrize(("data", "function"), [(b"xyz", "check"), (b"yyy", "wanted")])
def test_the_line_that_refused_is_named(data: bytes, function: str) -> None:
    answer, where = call_and_locate(check, data)
    assert answer is NO
    assert where == f"explain/{Path(__file__).name}:{line_of(data[:1].decode())} in {function}"


def test_other_answers_have_no_line() -> None:
    assert call_and_locate(check, b"ab") == (MORE, "")
    assert call_and_locate(check, b"good") == (MORE, "")


def test_what_compares_the_sides_is_not_to_blame() -> None:
    # in one file the comparison is the plugin's own; from another file the check in the plugin's file counts
    namespace: dict[str, object] = {}
    exec(compile("def both(a, b, NO):\n    return NO\n", "/shared/shapes.py", "exec"), namespace)
    shared = namespace["both"]

    def detect(data: bytes) -> Answer:
        return shared(check(data), MORE, NO)  # type: ignore[operator, no-any-return]

    assert call_and_locate(detect, b"xyz")[1].endswith(f":{line_of('x')} in check")
    assert call_and_locate(by_both, b"xyz")[1].endswith("in both")


def test_another_trace_function_stays() -> None:
    seen: list[str] = []

    def other(frame: object, event: str, value: object) -> None:
        seen.append(event)

    before = sys.gettrace()
    sys.settrace(other)
    try:
        call_and_locate(check, b"xyz")
        assert sys.gettrace() is other
    finally:
        sys.settrace(before)


@pytest.mark.skipif(not str(tls.__file__).endswith(".py"), reason="compiled detectors have no lines")
def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "talk.pcap"
    conversation().client(b"\x16\x03\x09\x00\x05abcde").server(b"nothing").pcap(capture)
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nplugins: [stream, tls]\n")
    assert main(["explain", "--verbose", "--config", str(policy), str(capture)]) == 0
    out = capsys.readouterr().out
    assert "NO at byte 10 of the client, 0 of the server: tls (encryption/tls.py:" in out
    assert main(["explain", "--config", str(policy), str(capture)]) == 0
    assert "tls.py" not in capsys.readouterr().out
