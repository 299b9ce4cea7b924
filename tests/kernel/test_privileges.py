"""Capabilities are given up for good, and a process ends with its parent: seen from inside processes that do it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pywall_core.kernel import privileges
from pywall_core.kernel.privileges import CAP_KILL, CAP_NET_ADMIN

AS_ROOT = pytest.mark.skipif(
    not privileges.has(privileges.CAP_SETUID) or not privileges.has(CAP_NET_ADMIN), reason="needs root"
)


def in_process(code: str, *, expected: int = 0) -> list[str]:
    """The words that a Python of its own prints after doing something with ``privileges``."""
    text = f"import os, signal\nfrom pathlib import Path\nfrom pywall_core.kernel import privileges\n{code}"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == expected, done.stderr
    return done.stdout.split()


STATUS = """
fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(*(int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")), int(fields["NoNewPrivs"]))
"""


def test_what_this_process_may_is_what_the_kernel_says() -> None:
    held = privileges.effective()
    assert [privileges.has(number) for number in range(64)] == [bool(held >> number & 1) for number in range(64)]


@AS_ROOT
def test_only_what_is_named_stays() -> None:
    kept = 1 << CAP_NET_ADMIN | 1 << CAP_KILL
    words = in_process(f"privileges.keep_only([{CAP_NET_ADMIN}, {CAP_KILL}]){STATUS}")
    assert list(map(int, words)) == [kept, kept, 0, 0, 1]


@AS_ROOT
def test_a_command_run_later_gets_nothing_back() -> None:
    run = "os.execvp('grep', ['grep', '-E', 'CapEff|CapBnd', '/proc/self/status'])"
    words = in_process(f"privileges.keep_only([])\n{run}")
    assert [int(word, 16) for word in words if not word.startswith("Cap")] == [0, 0]


@AS_ROOT
def test_another_user_keeps_the_capability_and_no_group_of_root() -> None:
    words = in_process(
        f"privileges.keep_only([{CAP_NET_ADMIN}], 'nobody'){STATUS}"
        "print(*os.getresuid(), 0 in os.getgroups(), privileges.has(12), privileges.has(7))"
    )
    assert int(words[1]) == 1 << CAP_NET_ADMIN
    uid = words[5]
    assert words[5:8] == [uid] * 3
    assert uid != "0"
    assert words[8:] == ["False", "True", "False"]


@AS_ROOT
def test_a_user_that_is_not_there_is_an_error() -> None:
    in_process("try:\n  privileges.keep_only([], 'no-such-user')\nexcept KeyError:\n  raise SystemExit(7)", expected=7)


def test_a_process_ends_with_its_parent() -> None:
    """The grandchild holds the pipe open until the signal comes that its parent's end sends."""
    code = """
parent = os.getpid()
if os.fork() == 0:
    privileges.die_with_parent(parent, signal.SIGTERM)
    print("bound", flush=True)
    signal.pause()
import sys
os.read(0, 1)
os._exit(0)
"""
    text = f"import os, signal\nfrom pywall_core.kernel import privileges\n{code}"
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"bound\n"
        parent.stdin.write(b"x")
        parent.stdin.close()
        assert parent.stdout.read() == b"", "the pipe is closed by all that held it"
        assert parent.wait(60) == 0


def test_a_parent_that_has_ended_already_is_an_error() -> None:
    with pytest.raises(ProcessLookupError, match=f"not {os.getpid()}"):
        privileges.die_with_parent(os.getpid(), 0)  # 0: no signal is asked for
