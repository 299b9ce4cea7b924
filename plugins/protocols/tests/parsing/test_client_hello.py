"""JA3 and JA4 of ClientHellos made to measure."""

import struct

import pytest
from pywall_protocols.parsing import client_hello
from pywall_protocols.parsing.client_hello import facts, parse


def u16s(numbers) -> bytes:
    return b"".join(struct.pack("!H", n) for n in numbers)


def with_length(data: bytes, width: int = 2) -> bytes:
    return len(data).to_bytes(width, "big") + data


def hello(version=0x0303, ciphers=(0x1301,), extensions=()) -> bytes:
    """The body of a ClientHello."""
    body = b"".join(struct.pack("!H", kind) + with_length(data) for kind, data in extensions)
    return (
        struct.pack("!H", version) + bytes(32) + b"\0" + with_length(u16s(ciphers)) + b"\1\0"
        + (with_length(body) if extensions else b"")
    )  # fmt: skip


def server_name(name: bytes) -> tuple[int, bytes]:
    return 0, with_length(b"\0" + with_length(name))


def alpn(*names: bytes) -> tuple[int, bytes]:
    return 16, with_length(b"".join(with_length(name, 1) for name in names))


def test_ja3_of_the_published_example():
    # the example of JA3's own description: string and MD5
    parsed = parse(
        hello(
            769,
            (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
            [server_name(b"x"), (10, with_length(u16s((23, 24, 25)))), (11, b"\1\0")],
        )
    )
    found = facts(parsed, "t")
    assert found["ja3.string"] == "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert found["ja3.hash"] == "ada70206e40642a3e4461f35503241d5"


def test_ja4_of_the_published_example():
    # FoxIO's technical details: a Chrome hello and its fingerprint t13d1516h2_8daaf6152771_e5627efa2ab1
    ciphers = (0x8A8A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C,
               0x009D, 0x002F, 0x0035)  # fmt: skip
    signatures = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
    kinds = (0x001B, 0x0033, 0x4469, 0x0017, 0x0023, 0x000D, 0x0005, 0x0012, 0x002B, 0xFF01, 0x000B, 0x000A, 0x0015)
    contents = {0x000D: with_length(u16s(signatures)), 0x002B: with_length(u16s((0x9A9A, 0x0304, 0x0303)), 1)}
    extensions = [(0x5A5A, b""), server_name(b"example.com"), alpn(b"h2", b"http/1.1"), (0x2D, b"\1\1")]
    extensions += [(kind, contents.get(kind, b"\0")) for kind in kinds]
    parsed = parse(hello(0x0303, ciphers, extensions))
    assert facts(parsed, "t")["ja4"] == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("name", "shown"), [(b"h2", "h2"), (b"http/1.1", "h1"), (b"\xab", "ab"), (b"\xab\x20\xcd", "ad"), (b"h", "hh")]
)
def test_ja4_names_the_first_application_protocol(name, shown):
    assert facts(parse(hello(extensions=[alpn(name)])), "q")["ja4"].split("_")[0] == f"q12i0101{shown}"


def test_names_are_printable_and_cut():
    found = facts(parse(hello(extensions=[server_name(b"A\r\n" + b"b" * 300), alpn(b"\x00h3")])), "t")
    assert found["sni"] == "a.." + "b" * 252
    assert found["client_alpns"] == [".h3"]


def test_encrypted_client_hello_is_a_fact():
    assert facts(parse(hello(extensions=[(0xFE0D, b"\0" * 40)])), "t")["ech"] is True


@pytest.mark.parametrize("cut", range(60))
def test_a_cut_body_is_refused_or_read_as_far_as_it_goes(cut):
    body = hello(extensions=[server_name(b"host.example"), alpn(b"h2"), (10, b"\0\4\0\x17\0\x18")])[:cut]
    parsed = parse(body)
    assert parsed is None or client_hello.ja4(parsed, "t")
