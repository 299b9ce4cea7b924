"""What subcommands share: texts of errors, names of flows, tables that go on, a collector that is switched on again."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from pywall_core.cli.common import error_text, event_name, name_text, prepare, print_table, warn
from pywall_core.config import Config, ConfigError


def test_errors_of_the_system_lose_their_number() -> None:
    assert (
        error_text(FileNotFoundError(2, "No such file or directory", "x.yaml")) == "x.yaml: No such file or directory"
    )
    assert error_text(OSError(28, "No space left on device")) == "No space left on device"
    assert error_text(OSError("told otherwise")) == "told otherwise"
    assert error_text(ValueError("x")) == "x"


def test_a_flow_is_named_with_its_class() -> None:
    assert name_text(None, {}) == "pending"
    assert name_text("tls", {}) == "tls"
    assert (
        name_text("unknown", {"payload.class": "encrypted", "payload.confidence": 0.981}) == "unknown, encrypted 0.98"
    )
    assert name_text("unknown", {"payload.class": "plain"}) == "unknown, plain"
    event = {"app_proto": "unknown", "pywall": {"payload": {"class": "encrypted", "confidence": 0.5}}}
    assert event_name(event) == "unknown, encrypted 0.50"


def test_further_rows_go_on_in_the_same_columns(capsys: pytest.CaptureFixture[str]) -> None:
    widths = print_table(["name", "bytes"], [["a longer name", 1]])
    assert print_table(["name", "bytes"], [["b", 22]], widths) == widths == [13, 5]
    assert capsys.readouterr().out.splitlines() == ["name           bytes", "a longer name  1", "b              22"]


@pytest.mark.parametrize(
    ("text", "error"),
    [("mode: x\n", ConfigError), ("plugins: [nosuch]\n", ConfigError), ("plugins: [rules]\n", None)],
)
@pytest.mark.parametrize("collecting", [True, False])
def test_the_garbage_collector_is_as_before(
    tmp_path: Path, text: str, error: type[Exception] | None, collecting: bool
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\n" + text)
    (gc.enable if collecting else gc.disable)()
    try:
        if error is None:
            prepare(str(file))
        else:
            with pytest.raises(error):
                prepare(str(file))
        assert gc.isenabled() is collecting
    finally:
        gc.enable()


def test_what_was_loaded_is_old_for_the_collector(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\nplugins: [rules]\n")
    _, plugins, _ = prepare(str(file))
    gc.disable()
    try:
        assert not any(each is plugins for each in gc.get_objects(generation=0) + gc.get_objects(generation=1))
        assert any(each is plugins for each in gc.get_objects(generation=2))
    finally:
        gc.enable()


def test_warnings_show_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [rules]\n")  # no version
    config, _, _ = prepare(str(file))
    assert isinstance(config, Config)
    warn(config)
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith(("warning: ", "    ")) for line in lines)
