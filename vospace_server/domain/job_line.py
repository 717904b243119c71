"""JobLine: a job as a line of a list, for people."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vospace_model.jobs import ExecutionPhase

_PLACES: Final = ("source", "destination", "target", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """What somebody wants to see of a job.

    `places` are the nodes that it is about, as URIs, in the order of the request. `progress` is
    a number from 0 to 1, None while unknown.
    """

    job_id: str
    kind: str
    phase: ExecutionPhase
    places: tuple[str, ...]
    created: datetime
    started: datetime | None
    ended: datetime | None
    progress: float | None
    error_fault: str | None
    error_detail: str | None

    @property
    def is_running(self) -> bool:
        """Whether it can still be stopped."""
        return self.phase in _LIVING


_LIVING = frozenset(
    {
        ExecutionPhase.PENDING,
        ExecutionPhase.QUEUED,
        ExecutionPhase.EXECUTING,
        ExecutionPhase.HELD,
        ExecutionPhase.SUSPENDED,
    }
)


def places_of(request: str) -> tuple[str, ...]:
    """The URIs of the nodes that a request names, whatever the kind of its job is."""
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
        named += [each for each in listed if isinstance(each, str)]
    return tuple(named)
