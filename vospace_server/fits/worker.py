"""The worker: one process for one part of one file, and then its end.

It is forked from a process that has astropy loaded and does nothing else (the nursery), so that
it is there at once. Before it looks at a byte of the file it gives up what it could do harm
with: memory, processor time, files.
"""

import contextlib
import gzip
import io
import json
import os
import resource
import signal
import socket
import sys
import warnings
from pathlib import PurePosixPath
from typing import Final

from vospace_model.faults import Fault, InvalidArgument, InvalidData
from vospace_server.domain.cutout import CutoutRequest, parse_cutout
from vospace_server.fits.cutting import Part, make_part
from vospace_server.fits.messages import Kind, receive_frame, send_frame
from vospace_server.fits.ranged_file import RangedFile

MEMORY_BYTES: Final = 2 << 30
PROCESSOR_SECONDS: Final = 60
OPEN_FILES: Final = 64
_GZIP: Final = b"\x1f\x8b"
_SUFFIXES: Final = frozenset({".fits", ".fit", ".fts", ".fz", ".gz"})
_SENT_BYTES: Final = 8 << 20
_MAX_DETAIL: Final = 300


def main() -> None:
    """The nursery: fork a worker for every socket that comes in on standard input.

    What goes back is the worker's process descriptor. It ends when the server does.
    """
    warnings.simplefilter("ignore")
    # The kernel reaps the workers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=sys.stdin.fileno())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        connection = socket.socket(fileno=descriptors[0])
        process = os.fork()
        if process == 0:
            control.close()
            with contextlib.suppress(Exception):
                _limit()
                _serve(connection)
            os._exit(0)
        connection.close()
        # It waits for its job, which comes after this.
        handle = os.pidfd_open(process)
        socket.send_fds(control, [process.to_bytes(8, "big")], [handle])
        os.close(handle)


def _serve(connection: socket.socket) -> None:
    """Wait for a job and do it."""
    kind, payload = receive_frame(connection)
    assert kind is Kind.JOB
    try:
        _work(connection, json.loads(payload))
    except Fault as fault:
        _refuse(connection, fault)
    except MemoryError:
        _refuse(connection, InvalidArgument("this part takes more memory than there is for it"))
    except Exception as error:  # noqa: BLE001 - astropy raises whatever a broken file makes it
        said = f"{type(error).__name__}: {error}"[:_MAX_DETAIL]
        _refuse(connection, InvalidData(f"this FITS file can't be read ({said})"))


def _limit() -> None:
    for kind, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _work(connection: socket.socket, job: dict[str, object]) -> None:
    request = parse_cutout([(str(n), str(v)) for n, v in _pairs(job["parameters"])])
    assert request is not None
    file: io.RawIOBase = RangedFile(connection, int(str(job["length"])))
    packed = file.read(2) == _GZIP
    file.seek(0)
    name = str(job["name"])
    part = make_part(gzip.GzipFile(fileobj=file) if packed else file, request)  # type: ignore[arg-type]
    head = {"status": 204} if part is None else _described(part, request, name)
    send_frame(connection, Kind.HEAD, json.dumps(head).encode())
    if part is not None:
        for chunk in part.chunks:
            for start in range(0, len(chunk), _SENT_BYTES):
                send_frame(
                    connection, Kind.DATA, memoryview(chunk)[start : start + _SENT_BYTES]
                )
    send_frame(connection, Kind.END)


def _described(part: Part, request: CutoutRequest, name: str) -> dict[str, object]:
    stem = PurePosixPath(name)
    while stem.suffix.lower() in _SUFFIXES:
        stem = stem.with_suffix("")
    made = f"{stem}-headers.txt" if request.headers_only else f"{stem}-cutout.fits"
    return {"status": 200, "type": part.media_type, "length": part.length, "name": made}


def _pairs(value: object) -> list[list[object]]:
    assert isinstance(value, list)
    return value


def _refuse(connection: socket.socket, fault: Fault) -> None:
    said = {"name": fault.name, "detail": fault.detail}
    send_frame(connection, Kind.FAULT, json.dumps(said).encode())


if __name__ == "__main__":
    main()
