"""What the demonstration's clients and servers send."""

from __future__ import annotations

import gzip
import io
import time
import zipfile

import pytest

from pywall_core.demo import traffic


def test_the_archive_is_always_the_same_and_half_of_it_compressible(monkeypatch: pytest.MonkeyPatch) -> None:
    data = traffic.archive()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert data == traffic.archive()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        sizes = [(one.file_size, one.compress_size) for one in archive.infolist()]
    assert all(0.3 < packed / size < 0.8 for size, packed in sizes)


def test_the_page_is_text() -> None:
    assert traffic.TEXT.isascii()
    assert len(gzip.compress(traffic.TEXT)) < len(traffic.TEXT) / 4


def test_each_service_has_a_port_of_its_own() -> None:
    ports = [value for name, value in vars(traffic).items() if name.endswith("_PORT")]
    assert len(set(ports)) == len(ports) >= 5
