"""``queue:`` numbers fit, hooks are named once."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pywall_core.config.queue_section import Queue


def test_the_last_worker_has_the_last_queue_number() -> None:
    assert Queue.model_validate({"number": 65535}).workers == 1
    assert Queue.model_validate({"number": 65533, "workers": 3}).number == 65533
    with pytest.raises(ValidationError, match="queue numbers 65534 to 65536 go beyond 65535"):
        Queue.model_validate({"number": 65534, "workers": 3})


@pytest.mark.parametrize(
    ("hooks", "said"),
    [(["INPUT", "INPUT"], "duplicate entry 'INPUT'"), ([], "at least 1 item"), (["PREROUTING"], "'INPUT', 'OUTPUT'")],
)
def test_hooks(hooks: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Queue.model_validate({"hooks": hooks})


@pytest.mark.parametrize(("mask", "good"), [(0x01FFFF00, True), (0, False), (1 << 32, False)])
def test_the_mask_is_of_32_bits(mask: int, good: bool) -> None:
    if good:
        assert Queue.model_validate({"mark_mask": mask}).mark_mask == mask
    else:
        with pytest.raises(ValidationError):
            Queue.model_validate({"mark_mask": mask})
