"""JobLineService: all jobs of somebody, of every kind, on one list."""

from typing import Final

from vospace_server.database.engine import Database
from vospace_server.domain.identity import Identity
from vospace_server.domain.job_line import JobLine

MOST_LINES: Final = 200


class JobLineService:
    """Reads jobs for their owners; JobService acts on one."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def mine(self, caller: Identity) -> list[JobLine]:
        """The newest of the caller's jobs."""
        with self._database.read() as unit:
            return unit.job_lines.of_owner(caller.user_id, limit=MOST_LINES)
