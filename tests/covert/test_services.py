"""Real services through ``pywall run`` with the policy against unknown ciphertext: all of it arrives."""

from __future__ import annotations

import pytest

from .labs import Stage, table
from .services import SERVICES, Service, begin

pytestmark = pytest.mark.netns
#: these are part of `make test`, where their programs are installed
QUICK = ("curl-http", "curl-https", "ssh", "raw-files")


@pytest.mark.parametrize(
    "service",
    [pytest.param(s, id=s.name, marks=[] if s.name in QUICK else [pytest.mark.slow]) for s in SERVICES],
)
def test_a_service_passes(stage: Stage, service: Service) -> None:
    begin(stage, service)
    stage.start_firewall()
    failure = None
    try:
        service.use(stage)
    except Exception as error:
        failure = error
    stage.stop_firewall()
    flows = [flow for proto in ("TCP", "UDP") for flow in stage.flows(None, proto)]
    print(table(service.name, flows))
    assert not [flow.text() for flow in flows if flow.dropped]
    if failure is not None:
        raise failure
