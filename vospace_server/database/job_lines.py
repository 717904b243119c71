"""JobLineRepository: jobs as lines of a list."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from vospace_model.jobs import ExecutionPhase
from vospace_server.database.schema import job
from vospace_server.domain.job_line import JobLine

_PLACES: Final = ("source", "destination", "target", "path")
_LONGEST_LIST: Final = 3


class JobLineRepository:
    """Reads jobs of every kind; JobRepository changes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_owner(self, owner_id: int, *, limit: int) -> list[JobLine]:
        """Somebody's jobs, the newest first."""
        query = (
            select(job)
            .where(job.c.owner_id == owner_id)
            .order_by(job.c.created_at.desc(), job.c.id)
            .limit(limit)
        )
        return [_line(row) for row in self._connection.execute(query)]


def _line(row: Row[Any]) -> JobLine:
    return JobLine(
        job_id=row.id,
        kind=row.kind,
        phase=ExecutionPhase(row.phase),
        places=_places(row.request),
        created=row.created_at,
        started=row.started_at,
        ended=row.ended_at,
        progress=row.progress,
        error_fault=row.error_fault,
        error_detail=row.error_detail,
    )


def _places(request: str) -> tuple[str, ...]:
    """The nodes that a request names, whatever the kind of its job is."""
    try:
        document = json.loads(request) if request else {}
    except ValueError:
        return ()
    known = document.get("transfer", document) if isinstance(document, dict) else {}
    if not isinstance(known, dict):
        return ()
    named = [known[key] for key in _PLACES if isinstance(known.get(key), str)]
    listed = known.get("targets", known.get("paths", []))
    if isinstance(listed, list):
        named += [each for each in listed[:_LONGEST_LIST] if isinstance(each, str)]
    return tuple(named)
