"""Each ready-made policy with everyday programs: what works and what is stopped, as its page says."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

from .conftest import Lab
from .everyday import INCOMING, OUTGOING, ROUTED, Everyday, missing

PAGES = Path(__file__).parents[2] / "docs" / "policies"
POLICIES = ("host-firewall", "server", "home", "kiosk", "allow-known", "block-unknown-encrypted", "gateway")
CLIENTS = {**OUTGOING, **INCOMING}


def said(policy: str) -> dict[str, bool]:
    """Return whether each kind of traffic works, as the table of the policy's page says."""
    rows = re.findall(r"^\| ([^|]+) \| (works|stopped)\b[^|]*\|$", (PAGES / f"{policy}.md").read_text(), re.M)
    return {name: outcome == "works" for name, outcome in rows}


#: what was seen of each policy: one lab for all of its traffic
_SEEN: dict[str, dict[str, bool]] = {}


@pytest.fixture
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Return what works under the policy ``request.param``."""
    policy: str = request.param
    if policy not in _SEEN:
        folder = tmp_path_factory.mktemp(policy)
        folder.chmod(0o755)
        _SEEN[policy] = run_all(policy, folder)
    return _SEEN[policy]


def run_all(policy: str, folder: Path) -> dict[str, bool]:
    """Run each kind of traffic that the policy's page speaks of, six at a time."""
    lab = Lab(folder)
    try:
        everyday = Everyday(lab, routed=policy == "gateway")
        text = resources.files("pywall_core.policies").joinpath(f"{policy}.yaml").read_text()
        lab.run(text if "queue:" in text else f"{text}\nqueue: {{number: 19}}\n")
        with ThreadPoolExecutor(6) as pool:
            answers = {name: pool.submit(CLIENTS[name], everyday) for name in said(policy)}
        return {name: answer.result() for name, answer in answers.items()}
    finally:
        lab.close()


@pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")
@pytest.mark.parametrize(
    ("seen", "name", "works"),
    [(policy, name, works) for policy in POLICIES for name, works in said(policy).items()],
    indirect=["seen"],
)
def test_everyday_traffic(seen: dict[str, bool], name: str, works: bool) -> None:
    assert seen[name] is works


@pytest.mark.parametrize("policy", POLICIES)
def test_a_page_speaks_of_all_traffic(policy: str) -> None:
    assert list(said(policy)) == (ROUTED if policy == "gateway" else list(CLIENTS))
