"""The server's side of the workers: starting them, feeding them, and ending them in time.

A worker reads nothing but what it is given here, and is killed when it takes too long, when it
dies, or when nobody waits for its part any more. At most some work at the same time.
"""

import contextlib
import importlib.util
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import vospace_server
from vospace_model.faults import (
    FAULTS_BY_NAME,
    Fault,
    InvalidArgument,
    InvalidData,
    OperationNotSupported,
    ServiceBusy,
)
from vospace_server.fits.messages import (
    READ_REQUEST,
    ConversationEndedError,
    Kind,
    receive_frame,
    send_frame,
)
from vospace_server.storage.object_store import ObjectReader, StoreError

_LOG = logging.getLogger(__name__)

# Nothing that reads a header and some rows takes this long; a hostile file might.
SILENCE_SECONDS: Final = 60.0
# However slowly a client takes its part, others want the place.
TOTAL_SECONDS: Final = 900.0
WAIT_SECONDS: Final = 10.0
# The first part waits for astropy to be loaded, which a busy machine takes long over.
START_SECONDS: Final = 60.0
_RETRY_AFTER_SECONDS: Final = 10
_MODULE: Final = "vospace_server.fits.worker"
# What a worker is told of our surroundings: no setting, and no secret.
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutHead:
    """What is known of a part before its first byte; all but `found` only if there is one."""

    found: bool
    media_type: str = ""
    length: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutJob:
    """The parameters as they were sent, and what the file is called."""

    parameters: tuple[tuple[str, str], ...]
    name: str


class FitsWorkers:
    """Workers, one for each part, forked from a process that has everything loaded.

    That process is started with the first part.
    """

    def __init__(self, *, concurrent: int = 4) -> None:
        self._places = threading.BoundedSemaphore(concurrent)
        # Guards the nursery, which has one conversation at a time.
        self._lock = threading.Lock()
        self._nursery: _Nursery | None = None

    def begin(self, reader: ObjectReader, job: CutoutJob) -> "Cutout":
        """Let a worker begin; close the cutout afterwards, which closes the reader as well.

        Raises OperationNotSupported where astropy is not installed, and ServiceBusy.
        """
        if importlib.util.find_spec("astropy") is None:
            raise OperationNotSupported(
                "cutouts are not installed here; what is missing is the extra [preview]"
            )
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise ServiceBusy("too many cutouts are being made", _RETRY_AFTER_SECONDS)
        try:
            worker = self._forked()
            return Cutout(worker=worker, reader=reader, job=job, place=self._places)
        except BaseException:
            self._places.release()
            raise

    def close(self) -> None:
        """End the nursery."""
        with self._lock:
            if self._nursery is not None:
                self._nursery.close()
                self._nursery = None

    def _forked(self) -> "_Worker":
        with self._lock:
            for _ in range(2):
                if self._nursery is None:
                    self._nursery = _Nursery()
                try:
                    return self._nursery.fork()
                except OSError as error:
                    # It has died, of whatever; another one is soon there.
                    _LOG.info("the nursery of FITS workers ended: %s", error)
                    self._nursery.close()
                    self._nursery = None
        raise ServiceBusy("no worker for FITS files can be started", _RETRY_AFTER_SECONDS)


class _Nursery:
    """The process that workers are forked from."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._control.settimeout(START_SECONDS)
        root = str(Path(vospace_server.__file__).parent.parent)
        inherited = os.environ.get("PYTHONPATH")
        environment = {
            **{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            "PYTHONPATH": root if not inherited else f"{root}{os.pathsep}{inherited}",
            "HOME": "/nonexistent",
            # Threads of the linear algebra take memory, and a process that has any can't fork.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
            )

    def fork(self) -> "_Worker":
        """A worker that waits for its job. Raises OSError."""
        connection, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            number, handles, _, _ = socket.recv_fds(self._control, 8, 1)
            if not handles:
                raise ConnectionResetError("it has closed its socket")
        except BaseException:
            connection.close()
            raise
        return _Worker(
            connection=connection, handle=handles[0], number=int.from_bytes(number, "big")
        )

    def close(self) -> None:
        """Kill it; its workers end with their own parts."""
        self._control.close()
        self.process.kill()
        self.process.wait()


class _Worker:
    """One process, which is not our child, and our end of its socket."""

    def __init__(self, *, connection: socket.socket, handle: int, number: int) -> None:
        self.connection = connection
        self.number = number
        self._handle = handle

    def interrupt(self) -> None:
        """Kill the process; whoever waits for it hears at once. From any thread."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        """Kill the process and wait for its end, which is immediate. To be called once."""
        self.interrupt()
        select.select([self._handle], [], [], START_SECONDS)
        os.close(self._handle)
        self.connection.close()


class Cutout:
    """One part on its way. `head` first, then `next_chunk`; by one thread at a time.

    `interrupt` may be called by another thread.
    """

    def __init__(
        self,
        *,
        worker: _Worker,
        reader: ObjectReader,
        job: CutoutJob,
        place: threading.Semaphore,
    ) -> None:
        self._worker = worker
        self._reader = reader
        self._job = job
        self._place: threading.Semaphore | None = place
        self._deadline = time.monotonic() + TOTAL_SECONDS
        self._trouble: StoreError | None = None
        self.fetched_bytes = 0

    def head(self) -> CutoutHead:
        """What there is to come. Raises the fault of what can't be made, or StoreError."""
        job = {
            "parameters": self._job.parameters,
            "name": self._job.name,
            "length": self._reader.length,
        }
        payload = self._conversation(json.dumps(job).encode(), Kind.HEAD)
        stated: dict[str, Any] = json.loads(payload)
        if stated["status"] == 204:  # noqa: PLR2004 - the worker speaks of statuses
            return CutoutHead(found=False)
        return CutoutHead(
            found=True,
            media_type=stated["type"],
            length=stated["length"],
            name=stated["name"],
        )

    def next_chunk(self) -> bytes:
        """The next bytes of the part, empty at its end. Raises what `head` does."""
        return self._conversation(None, Kind.DATA)

    def interrupt(self) -> None:
        """Nobody waits for it any more: end the worker, so that a thread that waits returns."""
        self._worker.interrupt()

    def close(self) -> None:
        """End the worker and give everything back; harmless when repeated."""
        place, self._place = self._place, None
        if place is not None:
            self._worker.kill()
            self._reader.close()
            place.release()

    def _conversation(self, job: bytes | None, wanted: Kind) -> bytes:
        """Answer what the worker asks until it says what is wanted, or that it has ended."""
        try:
            if job is not None:
                send_frame(self._worker.connection, Kind.JOB, job)
            kind, payload = self._next_frame()
            while kind is Kind.READ:
                self._answer_read(payload)
                kind, payload = self._next_frame()
        except TimeoutError as error:
            raise InvalidArgument("this part took longer than there is time for it") from error
        except (ConversationEndedError, OSError) as error:
            if self._trouble is not None:
                raise self._trouble from error
            raise InvalidData(
                "the part was given up: the file is broken, or takes too much memory or time"
            ) from error
        if kind is Kind.FAULT:
            raise _fault(payload)
        return payload if kind is wanted else b""

    def _next_frame(self) -> tuple[Kind, bytes]:
        left = self._deadline - time.monotonic()
        self._worker.connection.settimeout(max(0.001, min(SILENCE_SECONDS, left)))
        return receive_frame(self._worker.connection)

    def _answer_read(self, payload: bytes) -> None:
        offset, size = READ_REQUEST.unpack(payload)
        try:
            content = self._reader.read_at(offset, size)
        except StoreError as error:
            self._trouble = error
            raise ConversationEndedError("the store failed") from error
        self.fetched_bytes += len(content)
        send_frame(self._worker.connection, Kind.BYTES, content)


def _fault(payload: bytes) -> Fault:
    said = json.loads(payload)
    kind = FAULTS_BY_NAME.get(said["name"], InvalidData)
    return kind(said["detail"])
