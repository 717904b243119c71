"""JobLineRepository: jobs as lines of a list."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, insert, select

from vospace_model.jobs import ExecutionPhase
from vospace_server.database.schema import job, job_place
from vospace_server.domain.job_line import JobLine, places_of

_SHOWN_PLACES: Final = 3
# A package may name any number of nodes; by which of the first ones it is found.
_NOTED_PLACES: Final = 1000


class JobLineRepository:
    """Jobs of every kind, and by which nodes they are found; JobRepository changes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_owner(self, owner_id: int, *, limit: int) -> list[JobLine]:
        """Somebody's jobs, the newest first."""
        return self._newest(select(job).where(job.c.owner_id == owner_id), limit)

    def about(self, owner_id: int, places: Collection[str], *, limit: int) -> list[JobLine]:
        """Somebody's jobs that name any of these URIs, the newest first."""
        naming = select(job_place.c.job_id).where(
            job_place.c.owner_id == owner_id,
            job_place.c.place.in_([_digest(place) for place in places]),
        )
        return self._newest(select(job).where(job.c.id.in_(naming)), limit)

    def note_places(self, job_id: str, owner_id: int, places: Collection[str]) -> None:
        """Let a new job be found by the nodes that it names."""
        digests = dict.fromkeys(_digest(place) for place in [*places][:_NOTED_PLACES])
        rows = [{"owner_id": owner_id, "place": each, "job_id": job_id} for each in digests]
        if rows:
            self._connection.execute(insert(job_place), rows)

    def _newest(self, query: Select[Any], limit: int) -> list[JobLine]:
        query = query.order_by(job.c.created_at.desc(), job.c.id).limit(limit)
        return [_line(row) for row in self._connection.execute(query)]


def _digest(place: str) -> str:
    return hashlib.blake2b(place.encode(), digest_size=16).hexdigest()


def _line(row: Row[Any]) -> JobLine:
    return JobLine(
        job_id=row.id,
        kind=row.kind,
        phase=ExecutionPhase(row.phase),
        places=places_of(row.request)[:_SHOWN_PLACES],
        created=row.created_at,
        started=row.started_at,
        ended=row.ended_at,
        progress=row.progress,
        error_fault=row.error_fault,
        error_detail=row.error_detail,
    )
