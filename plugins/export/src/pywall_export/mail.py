"""The plugin ``mail``: sends alerts by mail (RFC 5321), at a bounded rate."""

from __future__ import annotations

import json
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from .alerts import AlertOptions, AlertPlugin, describe


class MailOptions(AlertOptions):
    """Options of the plugin ``mail``."""

    to: list[str] = Field(min_length=1, description="addresses that get the alerts")
    sender: str = Field(default="pywall@localhost", description="address that the alerts come from")
    server: str = Field(default="127.0.0.1", description="mail server: name or address")
    port: int = Field(default=25, ge=1, le=65_535, description="TCP port of the mail server")
    tls: Literal["no", "starttls", "tls"] = Field(
        default="no", description="starttls: encrypted after STARTTLS, or nothing is sent; tls: from the first byte"
    )
    user: str | None = Field(default=None, description="user name at the mail server")
    password: SecretStr | None = Field(default=None, description="password at the mail server")
    per_minute: float = Field(
        default=1.0, gt=0, le=6000, description="mails a minute on average; what is more is counted"
    )

    @field_validator("tls", mode="before")
    @classmethod
    def _yaml_no(cls, value: object) -> object:
        """Take the truth that an unquoted no is answered with."""
        return "no" if value is False else value


class Mail(AlertPlugin):
    """Mails one worker's alerts. In a replay it does nothing."""

    Options = MailOptions
    api_version = 1

    def __init__(self, options: MailOptions) -> None:
        super().__init__(options, "mail", options.server)
        self._options = options

    def _send(self, event: dict[str, Any], suppressed: int) -> None:
        with self._connect() as server:
            server.send_message(self._message(event, suppressed))

    def _connect(self) -> smtplib.SMTP:
        options = self._options
        if options.tls == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                options.server, options.port, timeout=options.timeout, context=context
            )
        else:
            server = smtplib.SMTP(options.server, options.port, timeout=options.timeout)
        try:
            if options.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if options.user is not None:
                server.login(options.user, options.password.get_secret_value() if options.password else "")
        except Exception:
            server.close()
            raise
        return server

    def _message(self, event: dict[str, Any], suppressed: int) -> EmailMessage:
        message = EmailMessage()
        # what came from the network must not end a header's line
        message["Subject"] = " ".join(describe(event).split())[:200]
        message["From"] = self._options.sender
        message["To"] = ", ".join(self._options.to)
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="pywall.invalid")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834
        more = f"{suppressed} alerts before this one were too many to be sent.\n\n" if suppressed else ""
        message.set_content(f"{describe(event)}\n\n{more}{json.dumps(event, indent=2)}\n")
        return message
