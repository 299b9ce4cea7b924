"""Conversations of real clients with real servers, recorded between them: names that no public recording here shows.

Each was made on one machine, the client reaching the server through a relay that wrote down what each side sent.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pywall_protocols import bundle

from pywall_core.testing import Conversation, conversation, engine

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "real_clients.json").read_text())


def talk(name: str) -> Conversation:
    made = conversation(transport=RECORDED[name].get("transport", "tcp"))
    for to_server, data in RECORDED[name]["turns"]:
        made = made.client(bytes.fromhex(data)) if to_server else made.server(bytes.fromhex(data))
    return made


@pytest.mark.parametrize("name", RECORDED)
def test_each_is_confirmed_among_all_detectors(name: str) -> None:
    lab = engine({"plugins": ["stream", "protocols"]})
    lab.send(talk(name).close())
    (flow,) = lab.flows
    lab.close()
    assert (flow.app_proto, flow.confirmed) == (name, True)


def test_names_that_were_recorded_are_not_listed_as_unseen() -> None:
    unseen = {name for _, module in bundle.Protocols().detectors() for name in getattr(module, "unseen", ())}
    assert not unseen & set(RECORDED)
    assert len(RECORDED) >= 50
