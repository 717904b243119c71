"""/async-delete and /async-setprops: jobs on whole trees (contract 1.7)."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument
from vospace_model.uris import NodePath, VosUri
from vospace_model.xml.nodes import read_node_update
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES
from vospace_server.domain.tree_request import TreeDeletion, TreeRequest
from vospace_server.http.authentication import caller_of
from vospace_server.http.jobs import JobEndpoints, run_id_of
from vospace_server.http.parameters import Parameters, form_parameters, query_parameters
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import see_other
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.tree_jobs import TreeJobs

ReadRequest = Callable[[Request], Awaitable[tuple[TreeRequest, Parameters]]]


class TreeJobEndpoints:
    """One list of such jobs, and each job with its resources."""

    def __init__(
        self, *, tree_jobs: TreeJobs, job_endpoints: JobEndpoints, read: ReadRequest
    ) -> None:
        self._tree_jobs = tree_jobs
        self._job_endpoints = job_endpoints
        self._read = read

    async def get(self, request: Request) -> Response:
        """The list of jobs, a job, or one of its resources."""
        job_id, resource = _names(request)
        if job_id is None:
            return await self._job_endpoints.list_jobs(request)
        return await self._job_endpoints.read(request, job_id, resource)

    async def post(self, request: Request) -> Response:
        """A new job, 303 to it; with PHASE=RUN it begins at once. Or a job's change."""
        job_id, resource = _names(request)
        if job_id is not None:
            return await self._job_endpoints.change(request, job_id, resource)
        asked, parameters = await self._read(request)
        starts = self._job_endpoints.asks_for_phase(parameters)
        record = await in_thread(
            self._tree_jobs.create, caller_of(request), asked, run_id=run_id_of(parameters)
        )
        if starts:
            await self._job_endpoints.change_phase(request, record.job_id, parameters)
        return see_other(self._job_endpoints.url_of(request, record.job_id))

    async def delete(self, request: Request) -> Response:
        """Forget a job; one that runs stops."""
        job_id, resource = _names(request)
        if job_id is None or resource:
            raise InvalidArgument("only a job can be deleted here")
        return await self._job_endpoints.remove(request, job_id)


async def read_deletion(request: Request) -> tuple[TreeRequest, Parameters]:
    """The form field `target`, and all fields. Raises InvalidArgument, InvalidURI."""
    parameters = await form_parameters(request)
    target = parameters.get("TARGET")
    if not target:
        raise InvalidArgument("name what to delete with TARGET")
    return TreeDeletion(target=VosUri.parse(target)), parameters


async def read_changes(request: Request) -> tuple[TreeRequest, Parameters]:
    """The node document: its URI is the root, its properties are set on all nodes."""
    update = read_node_update(await read_document(request, MAX_DOCUMENT_BYTES))
    return update, query_parameters(request)


def _names(request: Request) -> tuple[str | None, str]:
    names = NodePath.from_raw(rest_of_path(request)).names
    return (names[0] if names else None), "/".join(names[1:])
