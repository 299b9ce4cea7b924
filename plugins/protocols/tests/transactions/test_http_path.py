"""One spelling for all ways to write a path."""

import pytest
from pywall_protocols.transactions.http_path import normal_path


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/secret", b"/secret"),
        (b"/secret?a=/b", b"/secret"),
        (b"/%73ecret#x", b"/secret"),
        (b"/a/./b/../secret", b"/a/secret"),
        (b"/../../secret", b"/secret"),
        (b"//a///b//", b"/a/b/"),
        (b"/a/..", b"/"),
        (b"/a/.", b"/a/"),
        (b"\\secret", b"\\secret"),
        (b"/a\\..\\secret", b"/secret"),
        (b"http://a/secret", b"/secret"),
        (b"HTTP://a:80", b"/"),
        (b"http://a?x", b"/"),
        (b"*", b"*"),
        (b"a.example:443", b"a.example:443"),
        (b"", b""),
        (b"/%", b"/%"),
    ],
)
def test_paths(target, path):
    assert normal_path(target) == path
