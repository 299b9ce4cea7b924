"""Takes what two directions carry out of their frames, for a protocol inside of one that keeps them."""

from __future__ import annotations

from typing import Protocol, final


class PayloadReader(Protocol):
    """One direction: frames in, what they carry out."""

    def read(self, data: bytes) -> bytes:
        """Return what the next bytes carry."""

    def copy(self) -> PayloadReader:
        """Return the same state once more."""


@final
class PayloadUnwrapper:
    """The unwrapper (:class:`pywall_core.api.HandOver`) of a protocol with a reader for each direction."""

    __slots__ = ("_client", "_server")

    def __init__(self, client: PayloadReader, server: PayloadReader) -> None:
        self._client, self._server = client, server

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        """Return what the next bytes of a direction carry."""
        return (self._client if to_server else self._server).read(data)

    def copy(self) -> PayloadUnwrapper:
        """Return the same state once more."""
        return PayloadUnwrapper(self._client.copy(), self._server.copy())
