"""A CrowdSec API that a test plays."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "837be58e22a28738066de1be8f53636b"


def decision(number: int, value: str, *, lasts: str = "4h0m0s", scope: str = "Ip", kind: str = "ban") -> dict[str, Any]:
    scenario = "crowdsecurity/ssh-bf"
    return {
        "id": number, "origin": "crowdsec", "type": kind, "scope": scope, "value": value,
        "duration": lasts, "scenario": scenario,
    }  # fmt: skip


class FakeApi:
    """Answers what ``answers`` has, one after the other; notes the queries."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.queries: list[dict[str, list[str]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if self.headers["X-Api-Key"] != KEY:
                    self.send_error(403)
                    return
                api.queries.append(parse_qs(parts.query))
                answer = api.answers.pop(0) if parts.path == "/v1/decisions/stream" and api.answers else b"{}"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
