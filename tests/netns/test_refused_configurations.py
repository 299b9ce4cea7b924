"""``pywall run`` with a wrong configuration: one or more lines with the place, no rule installed, nothing executed."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

GOOD = textwrap.dedent(
    """\
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
    default: ACCEPT
    """
)
#: what is put in the place of what, and a word of the answer
WRONG = {
    "unknown_key": ("dst: 8001", "dprot: 8001", "dprot"),
    "unknown_rule": ("rule: port", "rule: prot", "prot"),
    "unknown_action": ("action: DROP", "action: DRPO", "DRPO"),
    "unknown_plugin": ("[rules]", "[rulez]", "rulez"),
    "port_range": ("8001", "80011", "80011"),
    "queue_number": ("number: 7", "number: 70000", "number"),
    "empty": (GOOD, "", "empty"),
    "syntax": ("[rules]", "[rules", "pywall.yaml"),
    "octal": ("8001", "010", "8"),
    "duplicate_key": ("default: ACCEPT", "default: ACCEPT\ndefault: DROP", "default"),
    "chain_loop": ("action: DROP", "action: INPUT", "INPUT"),
    "yaml_exec": ("default: ACCEPT", "default: !!python/object/apply:os.mkdir [{victim}]", "tags"),
    "yaml_bomb": ("default: ACCEPT", "a: &a [x, x]\nb: &b [*a, *a]\ndefault: [*b, *b]", "alias"),
    "deep": ("default: ACCEPT", "default: " + "[" * 100_000, "pywall.yaml"),
    "huge": ("default: ACCEPT", "default: ACCEPT #" + "x" * (17 << 20), "pywall.yaml"),
    "not_utf8": ("default: ACCEPT", "default: \udcff", "pywall.yaml"),
}


def test_conf_every_error_is_refused_before_a_rule_is_installed(lab: Any) -> None:
    victim = lab.folder / "victim"
    taken = {}
    for name, (old, new, word) in WRONG.items():
        assert old in GOOD
        text = GOOD.replace(old, new.replace("{victim}", str(victim)))
        file = lab.write("")
        file.write_bytes(text.encode(errors="surrogateescape"))
        firewall = lab.start_with(file)
        code, log = firewall.wait(12), firewall.log()
        brief = len(log.splitlines()) <= 30 and len(log) < 3000  # three lines an error: words, source line, caret
        if code not in (3, 4) or word not in log or "Traceback" in log or not brief:
            taken[name] = code, log
    assert taken == {}
    assert "PYWALL" not in lab.fw.ruleset()
    assert not victim.exists()


@pytest.mark.parametrize("mode", [0o666, 0o646])
def test_conf_check_mode(lab: Any, mode: int) -> None:
    """A configuration that anybody may write is refused."""
    file = lab.write(GOOD)
    file.chmod(mode)
    firewall = lab.start_with(file)
    assert firewall.wait(12) == 3
    assert "anybody may write" in firewall.log()
    assert "PYWALL" not in lab.fw.ruleset()


def test_conf_order_first_match(lab: Any) -> None:
    """Swapping two rules swaps the result."""
    lab.fw.echo_server(8001)
    rule = "- {rule: port, protocol: tcp, dst: 8001, action: DROP}"
    other = rule.replace("DROP", "ACCEPT")
    firewall = lab.run(GOOD.replace(rule, f"{rule}\n    {other}"))
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    lab.write(GOOD.replace(rule, f"{other}\n    {rule}"))
    assert firewall.ask("reload")["ok"] is True
    assert lab.peer.echo(lab.FW, 8001) == "ok"
