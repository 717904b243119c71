"""What the process that serves a mount tells the command that started it."""

import json
import os
import select
import time
from dataclasses import dataclass
from typing import Final, Protocol

_READ_BYTES: Final = 65536


class Announcer(Protocol):
    """Where readiness and failure are told; each of `ready` and `failed` at most once."""

    def notice(self, text: str) -> None:
        """Something the person should know, though it goes on."""

    def ready(self) -> None:
        """The kernel has mounted us."""

    def failed(self, text: str) -> None:
        """There will be no mount, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a start ended: `error` is None when the mount is there."""

    error: str | None
    notices: tuple[str, ...] = ()


class PipeAnnouncer:
    """Tells the command at the other end of a pipe; silent once it is told all."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def notice(self, text: str) -> None:
        """Something the person should know, though it goes on."""
        self._send({"notice": text})

    def ready(self) -> None:
        """The kernel has mounted us."""
        self._send({"ready": True})
        self._close()

    def failed(self, text: str) -> None:
        """There will be no mount, and why."""
        self._send({"error": text})
        self._close()

    def _send(self, message: dict[str, object]) -> None:
        if self._descriptor is not None:
            os.write(self._descriptor, json.dumps(message).encode() + b"\n")

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def await_outcome(descriptor: int, *, seconds: float) -> Outcome:
    """Read the pipe until the mount is there, has failed, or took too long."""
    end = time.monotonic() + seconds
    received = b""
    poller = select.poll()  # select() knows no descriptor above 1,023
    poller.register(descriptor, select.POLLIN)
    while True:
        if not poller.poll(max(0.0, end - time.monotonic()) * 1000):
            return Outcome(error=f"no mount within {seconds:g} s")
        piece = os.read(descriptor, _READ_BYTES)
        received += piece
        if not piece:
            return _read_outcome(received)


def _read_outcome(received: bytes) -> Outcome:
    messages = [json.loads(line) for line in received.splitlines()]
    notices = tuple(str(m["notice"]) for m in messages if "notice" in m)
    for message in messages:
        if "ready" in message:
            return Outcome(error=None, notices=notices)
        if "error" in message:
            return Outcome(error=str(message["error"]), notices=notices)
    return Outcome(error="the process of the mount ended without a word", notices=notices)
