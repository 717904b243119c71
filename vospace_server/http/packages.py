"""/pkg: many nodes as one archive, as a job (contract 1.7) or at once."""

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument
from vospace_model.properties import Core
from vospace_model.transfers import Direction, ExternalTransfer
from vospace_model.uris import NodePath, VosUri
from vospace_model.views import Param, View, ViewUri
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES
from vospace_model.xml.transfers import read_transfer
from vospace_server.domain.archive_entries import ArchiveFormat
from vospace_server.http.authentication import caller_of
from vospace_server.http.jobs import JobEndpoints
from vospace_server.http.package_sending import describe_package, send_of_job, send_package
from vospace_server.http.parameters import (
    Parameters,
    form_parameters,
    is_form,
    query_parameters,
)
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import see_other
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.package_jobs import PackageJobs
from vospace_server.services.packages import Package, PackageService
from vospace_server.services.tree import Tree

RUN = "run"
"""The resource of a job that is its archive."""


class PackageEndpoints:
    """`/pkg`, `/pkg/JOB/run` and the other resources of a job."""

    def __init__(
        self,
        *,
        tree: Tree,
        packages: PackageService,
        package_jobs: PackageJobs,
        job_endpoints: JobEndpoints,
    ) -> None:
        self._tree = tree
        self._packages = packages
        self._package_jobs = package_jobs
        self._job_endpoints = job_endpoints

    async def get(self, request: Request) -> Response:
        """An archive of the TARGETs, that of a job, a job's resource, or the list of jobs."""
        job_id, resource = _names(request)
        if job_id is None:
            if not query_parameters(request).all("TARGET"):
                return await self._job_endpoints.list_jobs(request)
            package = await in_thread(self._open, request, query_parameters(request))
            return send_package(package)
        if resource != RUN:
            return await self._job_endpoints.read(request, job_id, resource)
        package = await in_thread(self._package_jobs.open, caller_of(request), job_id)
        return send_of_job(self._package_jobs, job_id, package)

    async def head(self, request: Request) -> Response:
        """The headers of GET; a job does not begin."""
        job_id, resource = _names(request)
        if job_id is None and query_parameters(request).all("TARGET"):
            package = await in_thread(self._open, request, query_parameters(request))
        elif job_id is not None and resource == RUN:
            package = await in_thread(self._package_jobs.open, caller_of(request), job_id)
        else:
            return await self.get(request)
        return describe_package(package)

    async def post(self, request: Request) -> Response:
        """A job from a transfer document or a form: 303 to its archive. Or a job's change."""
        job_id, resource = _names(request)
        if job_id is not None:
            return await self._job_endpoints.change(request, job_id, resource)
        if is_form(request) or query_parameters(request).all("TARGET"):
            transfer = _transfer_of(await form_parameters(request))
        else:
            document = await read_document(request, MAX_DOCUMENT_BYTES)
            asked = read_transfer(document)
            if not isinstance(asked, ExternalTransfer):
                raise InvalidArgument("a package is read from the space: pullFromVoSpace")
            transfer = asked
        record = await in_thread(self._package_jobs.create, caller_of(request), transfer)
        return see_other(f"{self._job_endpoints.url_of(request, record.job_id)}/{RUN}")

    async def delete(self, request: Request) -> Response:
        """Forget a job."""
        job_id, resource = _names(request)
        if job_id is None or resource:
            raise InvalidArgument("only a job can be deleted here")
        return await self._job_endpoints.remove(request, job_id)

    def _open(self, request: Request, parameters: Parameters) -> Package:
        paths = [
            self._tree.own_path(VosUri.parse(target)) for target in parameters.all("TARGET")
        ]
        return self._packages.open(caller_of(request), paths, _format_of(parameters))


def _names(request: Request) -> tuple[str | None, str]:
    """The job's id and what of it is asked for; None and nothing for `/pkg` itself."""
    names = NodePath.from_raw(rest_of_path(request)).names
    return (names[0] if names else None), "/".join(names[1:])


def _format_of(parameters: Parameters) -> ArchiveFormat:
    """FORMAT, or RESPONSEFORMAT as DALI calls it."""
    return ArchiveFormat.named(parameters.get("FORMAT") or parameters.get("RESPONSEFORMAT"))


def _transfer_of(parameters: Parameters) -> ExternalTransfer:
    """The transfer that TARGETs and FORMAT spell. Raises InvalidArgument or InvalidURI."""
    targets = tuple(map(VosUri.parse, parameters.all("TARGET")))
    if not targets:
        raise InvalidArgument("name what to pack with TARGET, once or several times")
    form = Param(uri=Core.FORMAT, value=_format_of(parameters).value)
    return ExternalTransfer(
        targets=targets,
        direction=Direction.PULL_FROM_VOSPACE,
        view=View(uri=ViewUri.CADC_PACKAGE, params=(form,)),
    )
