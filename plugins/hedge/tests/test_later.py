"""numpy is loaded when something needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
from pywall_hedge import StreamClassifier
stream = StreamClassifier(stream=True)
stream.update({payload})
assert stream.result().label == {label!r}
stream.entropy
sys.exit('numpy' in sys.modules)
"""


@pytest.mark.parametrize(
    ("payload", "label", "loaded"),
    [
        ('b"TiVoConnect=1 Method=Broadcast Platform=PC Machine=Desktop Identity=1-2-3 Services=none " * 4', "plain", 0),
        ("bytes(400)", "plain", 0),
        ('__import__("hashlib").shake_256(b"noise").digest(1024)', "encrypted", 1),
    ],
)
def test_short_text_needs_no_numpy(payload, label, loaded):
    code = CODE.format(payload=payload, label=label)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == loaded
