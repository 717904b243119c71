"""Jobs: long work of whoever looks, how far it has come, and how to stop it."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.json_values import JsonObject
from vospace_model.uris import NodePath
from vospace_server.domain.job_line import JobLine
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.parameters import query_parameters
from vospace_server.http.responses import json_document
from vospace_server.http.routing import TreeRoute
from vospace_server.services.job_lines import JobLineService
from vospace_server.services.jobs import JobService
from vospace_server.web import addresses
from vospace_server.web.calls import call
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import PageRoute, posting


class JobPages:
    """`/jobs` and its forms."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        jobs: JobService,
        lines: JobLineService,
        documents: Mapping[str, str],
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._jobs = jobs
        self._lines = lines
        # Where the UWS documents of each kind of job are.
        self._documents = documents

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        root = addresses.JOBS
        return [
            PageRoute(root, {"GET": self.show}),
            PageRoute(f"{root}/abort", {"POST": posting(self.abort, self._cookies)}),
            PageRoute(f"{root}/forget", {"POST": posting(self.forget, self._cookies)}),
            PageRoute("/api/v1/jobs", {"GET": self.standing}),
        ]

    async def show(self, request: Request) -> Response:
        """The list."""
        lines = await call(self._lines.mine, viewer_of(request))
        return self._pages.show(request, "jobs.html", lines=lines, documents=self._documents)

    async def standing(self, request: Request) -> Response:
        """Phase and progress of each job, for pages to follow; with `path`, of that node's."""
        viewer = viewer_of(request)
        path = query_parameters(request).get("path")
        if path is None:
            lines = await call(self._lines.mine, viewer)
        else:
            lines = await call(self._lines.about, viewer, NodePath.parse(path))
        jobs = [self._standing(line) for line in lines]
        return json_document({"jobs": jobs}, headers={"cache-control": "private, no-store"})

    async def abort(self, request: Request, form: Form) -> Response:
        """Stop a job."""
        await call(self._jobs.abort, viewer_of(request), form.get("job"))
        return self._done(request, "The job is stopped.")

    async def forget(self, request: Request, form: Form) -> Response:
        """Take a job off the list."""
        await call(self._jobs.remove, viewer_of(request), form.get("job"))
        return self._done(request, "The job is off the list.")

    def _standing(self, line: JobLine) -> JsonObject:
        document = self._documents.get(line.kind)
        return {
            "id": line.job_id,
            "kind": line.kind,
            "phase": line.phase.value,
            "progress": line.progress,
            "running": line.is_running,
            "places": list(line.places),
            "begun": (line.started or line.created).isoformat(),
            "problem": line.error_detail or line.error_fault,
            "address": None if document is None else f"{document}/{line.job_id}",
        }

    def _done(self, request: Request, sentence: str) -> Response:
        say = self._pages.language_of(request).say
        return self._pages.go(addresses.JOBS, Notice(text=say(sentence)))
