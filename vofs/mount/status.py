"""The state of a mount, as `vofs status` shows it."""

import dataclasses
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vofs.config import MountConfig
from vofs.filesystem.spool import Orphan
from vofs.filesystem.write_back_state import WriteBackReport
from vofs.kernel.call_journal import CallJournal
from vofs.mount.building import MountedSpace


class StatusReporter:
    """Gathers the counts of all parts."""

    def __init__(
        self, mounted: MountedSpace, config: MountConfig, journal: CallJournal
    ) -> None:
        self._mounted = mounted
        self._config = config
        self._journal = journal
        self._since = time.time()

    def orphans(self) -> list[Orphan]:
        """Edits of this space that no mount works on: left by a crash, or refused."""
        return self._mounted.writers.orphans()

    def report(self) -> Mapping[str, Any]:
        """Everything, as plain values for JSON."""
        mounted = self._mounted
        traffic = mounted.space.client.traffic.report()
        calls = self._journal.report()
        cache = mounted.cache.statistics()
        away = mounted.availability.report()
        return {
            "pid": os.getpid(),
            "source": self._config.source,
            "mountpoint": str(self._config.mountpoint),
            "service": mounted.space.location.base_url,
            "extended": mounted.space.client.is_extended,
            "credentials": mounted.space.credentials.source,
            "read_only": mounted.filesystem.read_only,
            "since": _moment(self._since),
            "requests": traffic.requests,
            "wire_bytes": traffic.received_bytes,
            "sent_bytes": traffic.sent_bytes,
            "errors": traffic.failures + calls.troubles,
            "last_error": calls.last_trouble,
            "hit_rate": cache.hit_rate,
            "cache": {
                **dataclasses.asdict(cache),
                "directory": str(self._config.cache.directory),
            },
            "open_files": mounted.files.count(),
            "writing": [str(w.path) for w in mounted.writers.all() if w.file.has_changes],
            "writeback": _write_back(mounted.write_back.report()),
            "pending": [_pending(orphan) for orphan in self.orphans()],
            "away_since": None if away.away_since is None else _moment(away.away_since),
            "stale_answers": away.stale_answers,
            "calls": calls.calls,
            "refusals": calls.errors,
        }


def _pending(orphan: Orphan) -> dict[str, Any]:
    return {
        "path": orphan.path,
        "length": orphan.length,
        "changed_bytes": orphan.changed_bytes,
        "since": orphan.created.isoformat(timespec="seconds"),
        "reason": orphan.reason or "the mount ended before it was sent",
    }


def _write_back(report: WriteBackReport) -> dict[str, Any]:
    refused = [
        {
            "path": item.path,
            "length": item.length,
            "since": _moment(item.since),
            "reason": item.reason,
        }
        for item in report.refused
    ]
    return {**dataclasses.asdict(report), "refused": refused}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
