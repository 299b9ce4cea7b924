"""The plugin ``webhook``: posts alerts to an HTTP address, at a bounded rate."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import Field, field_validator

from .alerts import AlertOptions, AlertPlugin, describe
from .options import web_address


class WebhookOptions(AlertOptions):
    """Options of the plugin ``webhook``."""

    url: str = Field(description="address that takes the alerts by POST: http:// or https://")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        web_address(url, "https://host/path")
        return url


class _NoRedirect(HTTPRedirectHandler):
    """A redirection would turn the POST into a GET, to an address that nobody has named."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Webhook(AlertPlugin):
    """Posts one worker's alerts. In a replay it does nothing."""

    Options = WebhookOptions
    api_version = 1

    def __init__(self, options: WebhookOptions) -> None:
        super().__init__(options, "webhook", urlsplit(options.url).hostname or "")
        self._options = options
        self._opener = build_opener(_NoRedirect)

    def _send(self, event: dict[str, Any], suppressed: int) -> None:
        content = {"text": describe(event), "suppressed": suppressed, "event": event}
        headers = {"Content-Type": "application/json", "User-Agent": "pywall"}
        request = Request(self._options.url, json.dumps(content).encode(), headers)  # noqa: S310 - the options allow http and https alone
        with self._opener.open(request, timeout=self._options.timeout):
            return
