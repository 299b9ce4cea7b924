"""``pywall plugins list`` and ``show``: what is loaded in which order, and what is only installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_plugins_are_listed_in_order_and_others_are_not_imported(policy: Path) -> None:
    script = (
        "import sys; from pywall_core.cli import main; "
        f"main(['--plugins', 'list', '--config', {str(policy)!r}, '--json']); "
        "print('pywall_protocols' in sys.modules, 'pywall_rules' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    text, _, imported = done.stdout.rstrip().rpartition("\n")
    assert imported == "False True"
    rows = json.loads(text)["plugins"]
    assert [(row["position"], row["name"], row["state"]) for row in rows[:2]] == [
        (1, "rules", "loaded"),
        (2, "stream", "loaded"),
    ]
    assert rows[0]["distribution"] == "pywall-rules"
    assert rows[0]["version"]
    assert rows[0]["api"] == 1
    assert rows[0]["hooks"] == ["rules"]
    assert {"decided", "packet"} <= set(rows[1]["hooks"])
    others = {row["name"]: row for row in rows[2:]}
    assert others["tls"]["state"] == "installed"
    assert not any(row["position"] or row["hooks"] for row in others.values())


def test_plugins_of_a_bundle_are_listed_under_it(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [stream, protocols, rules]\n")
    rows = json.loads(pywall("plugins", "list", "--config", file, "--json").out)["plugins"]
    named = [(row["position"], row["name"], row["state"]) for row in rows if not row["state"].startswith("loaded by")]
    assert named[:3] == [(1, "stream", "loaded"), (2, "protocols", "loaded"), (3, "rules", "loaded")]
    inside = [row for row in rows if row["state"] == "loaded by protocols"]
    assert {"tls", "ssh", "http"} <= {row["name"] for row in inside}
    assert all(row["position"] == 2 and "detect" in row["hooks"] for row in inside)
    assert rows[2] in inside
    shown = json.loads(pywall("plugins", "show", "tls", "--config", file, "--json").out)
    assert (shown["state"], shown["protocols"]) == ("loaded by protocols", ["tls"])


def test_plugins_list_is_a_table(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("plugins", "list", "--config", policy)
    assert code == 0
    assert out.splitlines()[0].split() == ["#", "name", "distribution", "version", "api", "state", "hooks"]
    assert out.splitlines()[1].split()[:3] == ["1", "rules", "pywall-rules"]


def test_a_plugin_that_cannot_be_used_is_listed_so(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [{stream: {cheksum: auto}}]\n")
    code, out, err = pywall("plugins", "list", "--config", file, "--json")
    assert code == 3
    assert json.loads(out)["plugins"][0]["state"] in ("error", "not loaded")
    assert "did you mean 'checksum'" in json.loads(out)["errors"][0]
    assert err == ""


def test_plugins_show(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    shown = json.loads(pywall("plugins", "show", "stream", "--config", policy, "--json").out)
    assert shown["position"] == 2
    assert "segment" in shown["provides"]
    assert "checksum" in shown["options"]
    assert "it was not imported" in pywall("plugins", "show", "tls", "--config", policy).out
    code, _, err = pywall("plugins", "show", "straem", "--config", policy)
    assert code == 4
    assert "did you mean 'stream'" in err
