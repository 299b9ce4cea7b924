"""The frame of the command line: exit codes, errors in a line, commands of plugins, nothing imported for nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pywall_core import __version__
from pywall_core.cli import main
from pywall_core.cli.common import print_table, printable


def test_help_names_every_command(pywall) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("--help")
    assert code == 0
    for name in ("check", "convert", "plugins", "rules", "knock"):
        assert f"    {name} " in out


def test_version(pywall) -> None:  # type: ignore[no-untyped-def]
    assert pywall("--version").out == f"pywall {__version__}\n"


@pytest.mark.parametrize("words", [[], ["check", "--no-such"], ["check", "a", "b"], ["plugins"], ["convert"]])
def test_wrong_usage_is_two(pywall, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall(*words)
    assert code == 2
    assert out == ""
    assert "usage: pywall" in err


def test_a_misspelt_command_is_answered_with_the_nearest(pywall) -> None:  # type: ignore[no-untyped-def]
    code, out, err = pywall("chek")
    assert (code, out) == (2, "")
    assert err == "pywall: no command 'chek'; did you mean 'check'? (pywall --help lists them)\n"


def test_errors_of_the_configuration_are_lines_and_three(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "pywall.yaml"
    file.write_text("plugins: [rules]\nchains:\n  INPUT:\n    - {rule: port, dst: 70000, action: DROP}\nmode: x\n")
    code, out, err = pywall("check", "--config", file)
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        f"{file}:4:25: chains.INPUT[0].dst: 70000 is not a port (0-65535)",
        "        - {rule: port, dst: 70000, action: DROP}",
        "                            ^",
        f"{file}:5:7: mode: 'x' is not allowed (allowed: enforce, observe)",
        "    mode: x",
        "          ^",
    ]


def test_a_missing_file_is_a_line(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("check", tmp_path / "absent.yaml")
    assert code == 3
    assert err == f"{tmp_path}/absent.yaml: cannot be read: No such file or directory\n"


def test_control_characters_of_a_file_do_not_reach_the_terminal(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text('"\\e[2J\\a": 1\n')
    _, _, err = pywall("check", file)
    assert "\x1b" not in err
    assert "\x07" not in err


def test_unexpected_errors_are_one_line_unless_debugged(monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    def broken(source: object, strict: bool = True) -> None:
        raise ZeroDivisionError("x")

    monkeypatch.setattr("pywall_core.config.load", broken)
    assert main(["check"]) == 1
    assert capsys.readouterr().err == "internal error: ZeroDivisionError: x (PYWALL_DEBUG=1 shows where)\n"
    monkeypatch.setenv("PYWALL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check"])


@pytest.mark.parametrize(
    ("error", "code"), [(PermissionError(1, "no"), 5), (OSError(5, "io"), 1), (KeyboardInterrupt(), 130)]
)
def test_exit_codes_of_other_ends(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def broken(source: object, strict: bool = True) -> None:
        raise error

    monkeypatch.setattr("pywall_core.config.load", broken)
    assert main(["check"]) == code


def test_a_reader_that_went_away_is_no_traceback() -> None:
    script = f"{sys.executable} -m pywall_core check --schema | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


def test_help_imports_neither_plugins_nor_the_engine() -> None:
    script = (
        "import sys; from pywall_core.cli import main; main(['--help']); "
        "print([m for m in sys.modules if m.startswith(('pywall_', 'pydantic', 'dpkt', 'pluggy', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    modules = done.stdout.splitlines()[-1]
    for name in ("pywall_rules", "pywall_core.engine.engine", "pydantic", "dpkt", "pluggy", "numpy"):
        assert f"'{name}'" not in modules


def test_commands_of_plugins_are_imported_when_typed(pywall) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("knock", "--help")
    assert code == 0
    assert "DOOR" in out
    assert pywall("knock", "127.0.0.1").code == 2


def test_tables_are_aligned_and_printable(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "bb"], [["x\x1b[1m", 1], ["y", "z"]])
    assert capsys.readouterr().out == "a         bb\nx\\x1b[1m  1\ny         z\n"
    assert printable("a\tb\u202ec\n") == "a\\x09b\\x202ec\n"


def test_json_of_a_wrong_configuration(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("mode: x\n")
    code, out, err = pywall("check", "--json", file)
    assert (code, err) == (3, "")
    answer = json.loads(out)
    assert answer["ok"] is False
    assert answer["errors"] == [f"{file}:1:7: mode: 'x' is not allowed (allowed: enforce, observe)"]


def test_the_help_loads_no_library_that_it_does_not_need() -> None:
    """They are nine tenths of the time that it takes."""
    code = "from pywall_core.cli import main; main(['--help']); import sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(out.splitlines()[-1].split())
    assert "pywall_core.cli.replay" in loaded
    assert not loaded & {"pydantic", "yaml", "numpy", "rich", "pywall_core.config", "pywall_core.engine.engine"}


def test_an_unknown_option_is_answered_with_the_command_s_usage(pywall) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("replay", "--outptu", "x", "a.pcap")
    assert code == 2
    assert err.startswith("usage: pywall replay")
    assert "unrecognized arguments: --outptu; did you mean '--output'?" in err


def test_what_the_system_refuses_is_said_without_its_number(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for command in ("convert", "events", "replay"):
        code, _, err = pywall(command, f"{tmp_path}/nope")
        assert (code, err.splitlines()[0].removeprefix("events: ")) == (
            1,
            f"{tmp_path}/nope: No such file or directory",
        )


@pytest.mark.parametrize(
    ("words", "buffered"),
    [
        (["rules"], True),
        (["rules"], False),
        (["plugins", "list"], True),
        (["--version"], True),  # unbuffered, argparse itself is quiet about it
        (["check", "--policies"], False),
    ],
)
def test_a_full_disk_is_said_in_words(words: list[str], buffered: bool) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    env |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "pywall_core", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env)
    assert (done.returncode, done.stderr) == (1, "No space left on device\n")


@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_leaves_before_all_is_written_is_quiet(buffered: bool) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    env |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    readable, writable = os.pipe()
    os.close(readable)
    with os.fdopen(writable, "w") as gone:
        command = [sys.executable, "-m", "pywall_core", "rules"]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False, env=env)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_standard_streams_are_no_error(closed: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pywall_core rules {closed}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_locale_shows_what_it_can(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nplugins: [rules]\nchains: {INPUT: [{rule: always, name: \u2713, action: ACCEPT}]}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pywall_core", "check", str(policy)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\\u2713" in done.stdout
