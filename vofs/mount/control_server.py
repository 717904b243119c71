"""Answers `vofs` for one mount: a thread that accepts, and one per request."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from vofs.filesystem.errors import named
from vofs.mount.control_protocol import (
    MAX_REQUEST_BYTES,
    ControlAnswer,
    ControlError,
    ControlRequest,
)

_log = logging.getLogger(__name__)

_REQUEST_SECONDS: Final = 10.0
_BACKLOG: Final = 16

Handler = Callable[[ControlRequest], Mapping[str, Any]]


class ControlServer:
    """Listens on a socket of its own until it is closed."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Take the place of a dead mount's socket, and listen."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._listener.bind(str(self._path))
        os.chmod(self._path, 0o600)  # noqa: PTH101 -- the path of a socket
        self._listener.listen(_BACKLOG)
        threading.Thread(target=self._accept, name="vofs-control", daemon=True).start()

    def close(self) -> None:
        """Stop listening; answers under way are finished by their threads."""
        with contextlib.suppress(OSError):
            self._listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(connection,), name="vofs-control-request", daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(_REQUEST_SECONDS)
            with connection.makefile("rb") as stream:
                line = stream.readline(MAX_REQUEST_BYTES)
            connection.settimeout(None)
            connection.sendall(self._answer(line).to_line())

    def _answer(self, line: bytes) -> ControlAnswer:
        try:
            return ControlAnswer(result=self._handler(ControlRequest.from_line(line)))
        except ControlError as error:
            return ControlAnswer(error=str(error))
        except Exception as error:  # noqa: BLE001 -- told to the one who asked, and logged
            _log.exception("a request of vofs failed")
            return ControlAnswer(error=named(error))
