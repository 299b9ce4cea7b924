"""Compiled modules do what their sources say: the same events of every capture, to the last field."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pywall_core.engine.engine

PROGRAM = """
import json, sys
from pywall_core.config import Config
from pywall_core.packet.decode import decode
from pywall_core.engine.engine import build_engine
from pywall_core.offline.replay import Hooks, captures
from pywall_core.sources.pcap import CaptureError, read
def tell(event):
    print(json.dumps(event, sort_keys=True))
config = Config.model_validate({"version": 1, "plugins": ["rules", "stream", "protocols"]})
engine = build_engine(config, live=False, sink=tell, pcap_filename="all")
hook_of = Hooks().chooser(engine)
for path in captures(sys.argv[1:]):
    try:
        for number, time, data, _ in read(path):
            engine.frame += 1
            if data is not None:
                packet = decode(data, time)
                packet.pcap_cnt, packet.hook = number, hook_of(packet)
                engine.process(packet)
    except CaptureError as error:
        print(error)
engine.close()
"""


@pytest.mark.captures
@pytest.mark.skipif(str(pywall_core.engine.engine.__file__).endswith(".py"), reason="this installation is not compiled")
def test_sources_and_compiled_modules_tell_the_same_of_all_captures(captures_folder: Path) -> None:
    def told(pure: str) -> list[str]:
        env = {**os.environ, "PYWALL_PURE": pure}
        command = [sys.executable, "-c", PROGRAM, str(captures_folder)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()

    compiled = told("")
    assert len(compiled) > 1000
    for line, (one, other) in enumerate(zip(compiled, told("1"), strict=True)):
        assert one == other, f"event {line}"
