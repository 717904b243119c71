"""TreeJobs: jobs on whole trees: how they are made, go on, and end (contract 1.7).

A job counts the nodes that it dealt with and those that it could not deal with, the root
included. COMPLETED: all of them. ABORTED: some, or somebody aborted it. ERROR: none at all.
Each step is one short transaction that writes where to go on as well, so that a job that was
interrupted goes on there and its counts are right.
"""

from typing import Final, Protocol

from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.places import Found
from vospace_server.domain.tree_progress import TreeProgress
from vospace_server.domain.tree_request import TreeDeletion, TreeRequest, encode_tree_request
from vospace_server.services.job_control import JobControl, JobOverError
from vospace_server.services.job_ledger import JobLedger, JobOutcome, failed
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.tree import Tree

SUCCESSES: Final = "successcount"
FAILURES: Final = "errorcount"


class TreeWork(Protocol):
    """What a kind of job does to a tree."""

    def begin(self, unit: UnitOfWork, caller: Caller, record: JobRecord) -> TreeProgress:
        """Look at the root and do the first step. Raises the fault that ends the job."""

    def step(
        self, unit: UnitOfWork, caller: Caller, record: JobRecord, at: TreeProgress
    ) -> TreeProgress:
        """Do some more, in one transaction of some tens of milliseconds."""


class TreeJobs:
    """Makes such jobs."""

    def __init__(self, *, jobs: JobService, tree: Tree) -> None:
        self._jobs = jobs
        self._tree = tree

    def create(
        self, caller: Caller, request: TreeRequest, *, run_id: str | None = None
    ) -> JobRecord:
        """A job of the caller's, PENDING; `run_id` is what the caller calls it.

        Raises NotAuthenticated, InvalidURI.
        """
        if isinstance(caller, Anonymous):
            raise NotAuthenticated("log in to change whole trees")
        target = request.target if isinstance(request, TreeDeletion) else request.uri
        self._tree.own_path(target)
        deletes = isinstance(request, TreeDeletion)
        new = NewJob(
            kind=JobKind.DELETE if deletes else JobKind.SET_PROPERTIES,
            request=encode_tree_request(request, caller.scope),
            parameters=(JobParameter(parameter_id="target", value=str(target)),),
            run_id=run_id,
        )
        return self._jobs.create(caller, new)


class TreeTask:
    """A JobTask: one step after the other until the work is over."""

    def __init__(self, *, tree: Tree, ledger: JobLedger, work: TreeWork) -> None:
        self._tree = tree
        self._ledger = ledger
        self._work = work

    def do(self, control: JobControl) -> JobOutcome:
        """See JobTask."""
        place = control.place
        at = None if place is None else TreeProgress.decode(place)
        try:
            while at is None or not at.is_over:
                control.check()
                at = self._next(control, at)
        except JobOverError:
            if at is not None:
                self._say_what_was_done(control.job_id, at)
            raise
        return _outcome(at)

    def _next(self, control: JobControl, at: TreeProgress | None) -> TreeProgress:
        # With the groups and rights of now, as in any other request.
        caller, record = self._tree.informed_of_trees(control.caller()), control.record

        def work(unit: UnitOfWork) -> TreeProgress:
            if at is None:
                following = self._work.begin(unit, caller, record)
            else:
                following = self._work.step(unit, caller, record, at)
            control.save(unit, place=following.encode(), progress=following.fraction)
            return following

        return self._tree.database.retrying(work)

    def _say_what_was_done(self, job_id: str, at: TreeProgress) -> None:
        standing = self._ledger.standing(job_id)
        if standing is not None and standing.phase is ExecutionPhase.ABORTED:
            self._ledger.add_results(job_id, _results(at, always_both=True))


def container_at(unit: UnitOfWork, at: TreeProgress) -> Found | None:
    """The container that a job is in; None if it is not in the job's tree any more."""
    node_id = at.branches[-1].container_id
    path = unit.nodes.path_of(node_id)
    if path is None:
        return None
    records = unit.nodes.walk(path)
    ids = [record.node_id for record in records]
    if ids[-1:] != [node_id] or at.root_id not in ids:
        return None
    return Found(path=path, records=records)


def _outcome(at: TreeProgress) -> JobOutcome:
    if not at.done:
        return failed(PermissionDenied(at.reason or "nothing could be done"))
    if at.failed:
        return JobOutcome(phase=ExecutionPhase.ABORTED, results=_results(at, always_both=True))
    return JobOutcome(results=_results(at, always_both=False))


def _results(at: TreeProgress, *, always_both: bool) -> list[JobResult]:
    results = [JobResult(result_id=SUCCESSES, href=f"final:{at.done}")]
    if always_both:
        results.append(JobResult(result_id=FAILURES, href=f"final:{at.failed}"))
    return results
