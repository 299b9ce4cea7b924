"""Text of a policy from its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.config import ConfigError
from pywall_core.config.document import Document
from pywall_core.config.encoding import decode


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_a_mistake_with_its_place(content: bytes) -> None:
    document = Document("p.yaml")
    try:
        text = decode(content, document)
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.line >= 1
        assert problem.column >= 1
    else:
        assert text.encode() == content.removeprefix(b"\xef\xbb\xbf")
        assert document.texts["p.yaml"] == text.split("\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8"])
def test_encodings_of_editors(encoding: str) -> None:
    content = "version: 1\nplugins: [rules]\n".encode(encoding)
    if encoding.startswith("utf-8"):
        assert decode(content, Document("p")) == "version: 1\nplugins: [rules]\n"
    else:
        with pytest.raises(ConfigError, match=f"it is {encoding[:6].upper()}, save it as UTF-8"):
            decode(content, Document("p"))
