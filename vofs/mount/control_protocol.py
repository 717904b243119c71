"""How `vofs` speaks to a running mount: one line of JSON each way over a Unix socket.

The sockets are in a folder that only the user may enter, named after the mountpoint.
"""

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SUFFIX: Final = ".socket"
MAX_REQUEST_BYTES: Final = 1024 * 1024
_CONNECT_SECONDS: Final = 5.0


class ControlError(Exception):
    """The mount refused, or there is none; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """A command and the paths it is about, absolute."""

    command: str
    paths: tuple[str, ...] = ()

    def to_line(self) -> bytes:
        """The request as it is sent."""
        return json.dumps({"command": self.command, "paths": self.paths}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "ControlRequest":
        """The request that a line means; raises ControlError."""
        try:
            document = json.loads(line)
            paths = tuple(str(path) for path in document.get("paths", ()))
            return cls(command=str(document["command"]), paths=paths)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ControlError(f"not a request: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAnswer:
    """What came of it: a result, or why there is none."""

    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    def to_line(self) -> bytes:
        """The answer as it is sent."""
        return json.dumps({"result": self.result, "error": self.error}).encode() + b"\n"


def runtime_folder(environment: Mapping[str, str]) -> Path:
    """Where the sockets of a user's mounts are."""
    base = environment.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK):
        return Path(base) / "vofs"
    return Path("/tmp") / f"vofs-{os.getuid()}"  # noqa: S108 -- made 0700 and checked by secure_folder


def secure_folder(folder: Path) -> None:
    """Make the folder for us alone; raises ControlError if it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise ControlError(f"{folder} is not a private folder of this user")


def socket_path(folder: Path, mountpoint: str) -> Path:
    """The socket of the mount at a mountpoint."""
    name = hashlib.sha256(mountpoint.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return folder / (name + SUFFIX)


def ask(path: Path, request: ControlRequest, *, seconds: float) -> Mapping[str, Any]:
    """Put a request to the mount behind a socket; raises ControlError with its refusal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(request.to_line())
            connection.settimeout(seconds)
            with connection.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise ControlError(f"the mount doesn't answer: {error}") from error
    if not line:
        raise ControlError("the mount ended before it answered")
    document = json.loads(line)
    if document["error"] is not None:
        raise ControlError(str(document["error"]))
    result: Mapping[str, Any] = document["result"]
    return result
