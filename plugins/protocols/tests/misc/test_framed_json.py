"""JSON behind its length."""

from pywall_protocols.misc import framed_json

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(text: bytes, more: bytes = b"") -> bytes:
    return b"Content-Length: %d\r\n%s\r\n%s" % (len(text), more, text)


#: as recorded, cut short
REQUEST = message(b'{"seq": 2, "type": "request", "command": "pydevdAuthorize"}')
RESPONSE = message(b'{"seq": 3, "type": "response", "request_seq": 2, "success": true}')
EVENT = message(b'{"event": "output", "body": {"output": "ptvsd"}, "type": "event", "seq": 1}')
CALL = message(b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}')
TYPED = message(
    b'{"id": 1, "result": {}, "jsonrpc":"2.0"}', b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
)

TestFramedJson = detector_contract(
    framed_json,
    [
        conversation().client(REQUEST).server(RESPONSE),
        conversation().client(EVENT).server(RESPONSE),
        conversation().server(EVENT).client(REQUEST),
        conversation().client(CALL).server(TYPED),
    ],
    [
        conversation().client(message(b'{"seq": 2, "type": "fish"}')),
        conversation().client(message(b'["jsonrpc", "2.0"]')),
        conversation().client(b"Content-Type: auth/request\n\n"),
        conversation().client(b"Content-Length: many\r\n\r\n{}"),
        conversation().client(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
    ],
)


def test_both_sides_speak_one_protocol(ask):
    match = ask(framed_json, REQUEST, RESPONSE)
    assert (match.protocol, match.confirmed) == ("dap", True)
    assert ask(framed_json, REQUEST).protocol == "dap"
    assert not ask(framed_json, REQUEST, TYPED).confirmed
    assert ask(framed_json, CALL, TYPED).protocol == "lsp"
    assert ask(framed_json, REQUEST[:35]) is MORE
    assert ask(framed_json, b"Content-Length: 9\r\nX") is MORE
    assert ask(framed_json, b"Content-Length: 9\r\n" + b"x" * 300) is NO
