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
sys.exit(3 if 'numpy' in sys.modules else 0)  # an error ends with 1
"""


@pytest.mark.parametrize(
    ("payload", "label", "code"),
    [
        ('b"TiVoConnect=1 Method=Broadcast Platform=PC Machine=Desktop Identity=1-2-3 Services=none " * 4', "plain", 0),
        ("bytes(400)", "plain", 0),
        ('__import__("hashlib").shake_256(b"noise").digest(1024)', "encrypted", 3),
    ],
)
def test_short_text_needs_no_numpy(payload, label, code):
    text = CODE.format(payload=payload, label=label)
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == code


WARM = """
import sys
from hashlib import shake_256
from pywall_hedge import StreamClassifier, warm_up
warm_up()
loaded = set(sys.modules)
for payload in (shake_256(b"noise").digest(1024), shake_256(b"more").hexdigest(900).encode(), b"some words " * 99):
    stream = StreamClassifier(stream=True)
    stream.update(payload)
    stream.result()
sys.exit(' '.join(set(sys.modules) - loaded) or 0)
"""


def test_no_packet_waits_for_what_is_loaded_after_the_start():
    assert subprocess.run([sys.executable, "-c", WARM], capture_output=True, check=False, text=True).stderr == ""
