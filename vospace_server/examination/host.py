"""The doctor's look at the host: versions, files, room, clock, port."""

import errno
import os
import platform
import resource
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from pathlib import Path

from vospace_model.byte_sizes import format_size
from vospace_server.config import ServerConfig
from vospace_server.examination.findings import Finding, broken, doubtful, fine

_OLDEST_PYTHON = (3, 11)
# The first SQLite that knows RETURNING.
_OLDEST_SQLITE = (3, 35, 0)
_LITTLE_ROOM_BYTES = 2**30
_NO_ROOM_BYTES = 100 * 2**20
_LARGEST_SKEW_SECONDS = 2.0
_OPEN_FILES_BESIDE_CONNECTIONS = 200


def check_versions(_config: ServerConfig) -> Finding:
    """Python and SQLite are new enough."""
    found = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    if sys.version_info < _OLDEST_PYTHON or sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return broken("versions", found, "Python 3.11 and SQLite 3.35 are needed at least")
    return fine("versions", found)


def check_data_dir(config: ServerConfig) -> Finding:
    """The data directory is there, ours, and closed to others."""
    folder = config.data_dir
    if folder is None:
        return fine("data directory", "none; database and objects are elsewhere")
    if not folder.is_dir():
        advice = "`vospace-server serve` makes it; if you expected a space, check --data-dir"
        return doubtful("data directory", f"{folder} does not exist", advice)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return broken("data directory", f"{folder} is not writable for us", "chown or chmod it")
    status = folder.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.filemode(status.st_mode)
        advice = f"chmod 700 {folder}; it holds everybody's data and password hashes"
        return doubtful("data directory", f"others can look into {folder} ({mode})", advice)
    return fine("data directory", f"{folder} is writable and private")


def check_secrets(config: ServerConfig) -> Finding:
    """No file with secrets can be read by others."""
    files = [] if config.data_dir is None else sorted(config.data_dir.glob("*.sqlite*"))
    files += [config.server.tls_key] if config.server.tls_key else []
    exposed = [file for file in files if _is_exposed(file)]
    if exposed:
        names = " ".join(str(file) for file in exposed)
        return broken("secrets", f"others can read {names}", f"chmod 600 {names}")
    return fine("secrets", "database and keys are closed to others")


def _is_exposed(file: Path) -> bool:
    if not file.exists():
        return False
    # A closed folder protects what is in it.
    folder_open = file.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    return bool(folder_open and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def check_room(config: ServerConfig) -> Finding:
    """There is room for bytes and for files."""
    folder = _existing_folder(config)
    free = shutil.disk_usage(folder).free
    files = os.statvfs(folder)
    text = f"{format_size(free)} free at {folder}"
    advice = "make room, or move the space to a larger disk"
    if free < _NO_ROOM_BYTES or (files.f_files and not files.f_favail):
        return broken("room", text, advice)
    if free < _LITTLE_ROOM_BYTES:
        return doubtful("room", text, advice)
    return fine("room", text)


def check_clock(config: ServerConfig) -> Finding:
    """The clock of this host and that of the disk (perhaps a file server's) agree."""
    with tempfile.TemporaryFile(dir=_existing_folder(config)) as probe:
        probe.write(b"now")
        probe.flush()
        skew = abs(os.fstat(probe.fileno()).st_mtime - time.time())
    if skew > _LARGEST_SKEW_SECONDS:
        text = f"the disk's clock is {skew:.0f} s away from this host's"
        return doubtful("clock", text, "synchronise both with NTP; tokens expire by the clock")
    return fine("clock", f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")


def check_open_files(config: ServerConfig) -> Finding:
    """As many files may be open as connections are allowed."""
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = config.server.max_connections + _OPEN_FILES_BESIDE_CONNECTIONS
    if limit < needed:
        advice = f"ulimit -n {needed}, LimitNOFILE={needed}, or fewer server.max_connections"
        return doubtful("open files", f"{limit} are allowed, {needed} may be needed", advice)
    return fine("open files", f"{limit} are allowed")


def check_port(config: ServerConfig) -> Finding:
    """The port is free, or a server of ours is on it."""
    host, port = config.server.host, config.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((host, port), family=family):
            return fine("port", f"port {port} of {host} is free")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "fine if it is this space that is served there; else choose another port"
            return doubtful("port", f"port {port} of {host} is in use", advice)
        reason = error.strerror or str(error)
        return broken("port", f"can't listen on {host} port {port}: {reason}", "see --host")


def _existing_folder(config: ServerConfig) -> Path:
    """The data directory or the nearest folder above it that exists."""
    folder = (config.data_dir or Path.cwd()).absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder
