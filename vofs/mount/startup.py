"""Starts a mount, in the foreground or detached, and says in one line why it can't."""

import logging
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from vofs.config import MountConfig, process_environment
from vofs.mount.announcement import Announcer, Outcome, PipeAnnouncer, await_outcome
from vofs.mount.daemon import detach_from_terminal, redirect_output
from vofs.mount.errors import MountError
from vofs.mount.explanations import explain
from vofs.mount.log import configure_log
from vofs.mount.mountpoints import prepare
from vofs.mount.service_notification import notify_ready
from vofs.mount.serving import serve_mount

_log = logging.getLogger(__name__)

EXIT_FAILED: Final = 1
# Beyond the time of one operation: the cache may have to be examined first.
_START_MARGIN_SECONDS: Final = 30.0
_STAT_SECONDS: Final = 10.0


def run(config: MountConfig) -> int:
    """Mount. Detached, returns 0 once the mount answers; in the foreground, when it is gone.

    Otherwise 1, after one line on stderr. Nothing but the standard library's modules may have
    been used before: the fork comes first, for threads don't survive it.
    """
    if config.foreground:
        return _serve(config, _TerminalAnnouncer())
    read_end, write_end = os.pipe()
    if detach_from_terminal():
        os.close(read_end)
        os._exit(_serve_detached(config, PipeAnnouncer(write_end)))
    os.close(write_end)
    limit = config.connection.retry.operation_seconds + _START_MARGIN_SECONDS
    outcome = await_outcome(read_end, seconds=limit)
    os.close(read_end)
    if outcome.error is None and not _answers(config.mountpoint):
        outcome = Outcome(error="the mount is there but doesn't answer")
    for notice in outcome.notices:
        _tell(notice)
    if outcome.error is not None:
        _tell(outcome.error)
        return EXIT_FAILED
    return 0


def _tell(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stderr.write(f"mountvofs: {text}\n")


class _TerminalAnnouncer:
    """Tells the terminal, and systemd when it started us."""

    def notice(self, text: str) -> None:
        """Something the person should know."""
        _tell(text)

    def ready(self) -> None:
        """The kernel has mounted us."""
        notify_ready(process_environment())

    def failed(self, text: str) -> None:
        """There will be no mount."""
        _tell(text)


def _serve_detached(config: MountConfig, announcer: Announcer) -> int:
    """Serve with no terminal; what libfuse says before it works is read from a file."""
    with tempfile.TemporaryFile() as complaints:
        os.dup2(complaints.fileno(), 2)
        return _serve(config, announcer, complaints_descriptor=complaints.fileno())


def _serve(
    config: MountConfig, announcer: Announcer, *, complaints_descriptor: int | None = None
) -> int:
    def on_ready() -> None:
        if complaints_descriptor is not None:
            redirect_output(None)
        announcer.ready()

    try:
        prepare(config.mountpoint, nonempty=config.kernel.nonempty)
        configure_log(config)
        return serve_mount(
            config, process_environment(), notice=announcer.notice, on_ready=on_ready
        )
    except Exception as error:  # noqa: BLE001 -- every reason is told in one line
        _log.debug("no mount", exc_info=error)
        announcer.failed(_one_line(error, config, complaints_descriptor))
        return EXIT_FAILED


def _one_line(error: Exception, config: MountConfig, complaints_descriptor: int | None) -> str:
    text = explain(error, config)
    if complaints_descriptor is None:
        return text
    size = os.fstat(complaints_descriptor).st_size
    said = os.pread(complaints_descriptor, size, 0).decode("utf-8", "replace").split("\n")
    last = [line.strip() for line in said if line.strip().startswith("fuse")]
    return f"{text}: {last[-1]}" if last and not isinstance(error, MountError) else text


def _answers(mountpoint: Path) -> bool:
    """Whether the mount answers a stat from outside, in a bounded time."""
    done = threading.Event()

    def look() -> None:
        try:
            if os.stat(mountpoint).st_dev != os.stat(mountpoint.parent).st_dev:  # noqa: PTH116 -- one system call each
                done.set()
        except OSError:
            return

    threading.Thread(target=look, daemon=True).start()
    return done.wait(_STAT_SECONDS)
