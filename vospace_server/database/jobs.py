"""JobRepository: jobs, their parameters and results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from vospace_model.faults import Fault, describe
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.database.schema import job, job_parameter, job_place, job_result
from vospace_server.domain.job_record import JobRecord, JobStanding

# One kind at a time: so the first row of a range of the index is the answer.
_FIRST_QUEUED: Final = (
    select(job)
    .where(
        job.c.phase == ExecutionPhase.QUEUED.value,
        job.c.kind == bindparam("of_kind"),
        job.c.owner_id > bindparam("after_owner"),
    )
    .order_by(job.c.owner_id, job.c.created_at)
    .limit(1)
)
_ANY_QUEUED: Final = select(job.c.id).where(job.c.phase == ExecutionPhase.QUEUED.value).limit(1)
_BEFORE_ALL_OWNERS: Final = -1


class JobRepository:
    """The rows of the tables `job`, `job_parameter` and `job_result`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: JobRecord) -> None:
        """A new job with its parameters; its results are added when it has some."""
        self._connection.execute(
            insert(job).values(
                id=record.job_id,
                kind=record.kind,
                owner_id=record.owner_id,
                owner_name=record.owner_name,
                phase=record.phase.value,
                run_id=record.run_id,
                request=record.request,
                document="",
                created_at=record.created,
                destruction_at=record.destruction,
                execution_seconds=record.execution_seconds,
                version=record.version,
            )
        )
        rows = [
            {"job_id": record.job_id, "ordinal": n, "name": p.parameter_id, "value": p.value}
            for n, p in enumerate(record.parameters)
        ]
        if rows:
            self._connection.execute(insert(job_parameter), rows)

    def get(self, job_id: str) -> JobRecord | None:
        """A job with its parameters and results."""
        row = self._connection.execute(select(job).where(job.c.id == job_id)).one_or_none()
        if row is None:
            return None
        return _record(row, self._parameters(job_id), self._results(job_id))

    def phase(self, job_id: str) -> tuple[ExecutionPhase, int] | None:
        """A job's phase and version alone, for those who wait for a change."""
        query = select(job.c.phase, job.c.version).where(job.c.id == job_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (ExecutionPhase(row.phase), row.version)

    def standing(self, job_id: str) -> JobStanding | None:
        """What the worker of a job asks from time to time; None: the job is gone."""
        query = select(
            job.c.phase, job.c.worker, job.c.started_at, job.c.execution_seconds
        ).where(job.c.id == job_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return JobStanding(
            phase=ExecutionPhase(row.phase),
            worker=row.worker,
            started=row.started_at,
            execution_seconds=row.execution_seconds,
        )

    def list_of(
        self,
        owner_id: int,
        kinds: Sequence[str],
        *,
        phases: Sequence[ExecutionPhase],
        after: datetime | None,
        limit: int | None,
    ) -> Sequence[JobRecord]:
        """Somebody's jobs of some kinds, the newest first, without parameters and results."""
        query = select(job).where(job.c.owner_id == owner_id, job.c.kind.in_(kinds))
        if phases:
            query = query.where(job.c.phase.in_([phase.value for phase in phases]))
        if after is not None:
            query = query.where(job.c.created_at > after)
        query = query.order_by(job.c.created_at.desc(), job.c.id).limit(limit)
        return self._all(query)

    def next_queued(self, kinds: Iterable[str], after_owner: int) -> JobRecord | None:
        """The oldest waiting job of the next owner behind that one, round and round.

        A few steps in an index, however many jobs wait.
        """
        # Most often nobody waits, and that is what one query says.
        if self._connection.execute(_ANY_QUEUED).first() is None:
            return None
        return self._first_queued(kinds, after_owner) or self._first_queued(
            kinds, _BEFORE_ALL_OWNERS
        )

    def _first_queued(self, kinds: Iterable[str], after_owner: int) -> JobRecord | None:
        found = [
            _record(row, (), ())
            for kind in kinds
            for row in self._connection.execute(
                _FIRST_QUEUED, {"of_kind": kind, "after_owner": after_owner}
            )
        ]
        return min(found, key=lambda each: (each.owner_id, each.created), default=None)

    def orphaned(self, now: datetime, limit: int) -> Sequence[JobRecord]:
        """Jobs that a worker began and has not been heard of since its time ran out."""
        query = select(job).where(
            job.c.phase == ExecutionPhase.EXECUTING.value, job.c.worker_until < now
        )
        return self._all(query.order_by(job.c.created_at).limit(limit))

    def worked_on(self, limit: int) -> Sequence[JobRecord]:
        """Jobs that have a worker, whether it lives or not."""
        query = select(job).where(
            job.c.phase == ExecutionPhase.EXECUTING.value, job.c.worker.is_not(None)
        )
        return self._all(query.order_by(job.c.created_at).limit(limit))

    def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of jobs whose time of destruction has come."""
        query = select(job.c.id).where(job.c.destruction_at < now).limit(limit)
        return list(self._connection.scalars(query))

    def change(self, record: JobRecord, **values: Any) -> bool:
        """Change columns of a job; false when somebody changed it since it was read."""
        changed = self._connection.execute(
            update(job)
            .where(job.c.id == record.job_id, job.c.version == record.version)
            .values(version=record.version + 1, **values)
        )
        return changed.rowcount == 1

    def save_work(self, job_id: str, executor: str, **values: Any) -> bool:
        """Change columns of a job that this worker executes; false when it does not any more.

        The row is locked from here on: an abort waits for the end of the transaction, and one
        that was faster makes this false.
        """
        changed = self._connection.execute(
            update(job)
            .where(
                job.c.id == job_id,
                job.c.worker == executor,
                job.c.phase == ExecutionPhase.EXECUTING.value,
            )
            .values(version=job.c.version + 1, **values)
        )
        return changed.rowcount == 1

    def add_result(self, job_id: str, result: JobResult) -> None:
        """One more result; its id must be new."""
        self._connection.execute(
            insert(job_result).values(
                job_id=job_id,
                ordinal=select(func.count())
                .where(job_result.c.job_id == job_id)
                .scalar_subquery(),
                result_id=result.result_id,
                href=result.href,
                media_type=result.media_type,
                size=result.size,
            )
        )

    def remove(self, job_id: str) -> None:
        """Forget a job with all that belongs to it; harmless when it is gone."""
        for table in (job_parameter, job_result, job_place):
            self._connection.execute(delete(table).where(table.c.job_id == job_id))
        self._connection.execute(delete(job).where(job.c.id == job_id))

    def _parameters(self, job_id: str) -> tuple[JobParameter, ...]:
        query = select(job_parameter).where(job_parameter.c.job_id == job_id)
        rows = self._connection.execute(query.order_by(job_parameter.c.ordinal))
        return tuple(JobParameter(parameter_id=row.name, value=row.value) for row in rows)

    def _results(self, job_id: str) -> tuple[JobResult, ...]:
        query = select(job_result).where(job_result.c.job_id == job_id)
        rows = self._connection.execute(query.order_by(job_result.c.ordinal))
        return tuple(
            JobResult(
                result_id=row.result_id, href=row.href, size=row.size, media_type=row.media_type
            )
            for row in rows
        )

    def _all(self, query: Select[Any]) -> Sequence[JobRecord]:
        return [_record(row, (), ()) for row in self._connection.execute(query)]


def error_values(fault: Fault) -> dict[str, str]:
    """The columns of a job that hold the fault it ended with."""
    return {
        "error_fault": fault.name,
        "error_message": describe(fault),
        "error_detail": fault.detail,
    }


def _record(
    row: Row[Any], parameters: tuple[JobParameter, ...], results: tuple[JobResult, ...]
) -> JobRecord:
    return JobRecord(
        job_id=row.id,
        kind=row.kind,
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        phase=ExecutionPhase(row.phase),
        run_id=row.run_id,
        request=row.request,
        created=row.created_at,
        started=row.started_at,
        ended=row.ended_at,
        destruction=row.destruction_at,
        execution_seconds=row.execution_seconds,
        error_fault=row.error_fault,
        error_detail=row.error_detail,
        cursor=row.cursor,
        progress=row.progress,
        worker=row.worker,
        version=row.version,
        parameters=parameters,
        results=results,
    )
