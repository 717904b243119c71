"""Administration: allocations and quotas, the state of the service, its health."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.byte_sizes import format_size, parse_size
from vospace_model.faults import Fault
from vospace_model.uris import NodePath
from vospace_server.domain.account import NoSuchUserError
from vospace_server.domain.identity import Identity
from vospace_server.domain.service_state import ServiceMode
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.accounts import AccountService
from vospace_server.services.allocations import AllocationService
from vospace_server.services.service_states import ServiceStateService
from vospace_server.web import addresses
from vospace_server.web.calls import call
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, admin_of
from vospace_server.web.routing import PageRoute, posting

_ROOT: Final = addresses.ADMIN
_MAX_FILES: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLine:
    """One finding of the examination: `verdict` is ok, warn or FAIL."""

    verdict: str
    subject: str
    text: str
    advice: str


class AdminPages:
    """`/admin/allocations`, `/admin/state`, `/admin/health`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        allocations: AllocationService,
        accounts: AccountService,
        states: ServiceStateService,
        examine: Callable[[], Sequence[HealthLine]],
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._allocations = allocations
        self._accounts = accounts
        self._states = states
        self._examine = examine

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        add = posting(self.add_allocation, self._cookies, again=self._show_allocations)
        change = posting(self.set_quota, self._cookies)
        state = {"GET": self.state, "POST": posting(self.set_state, self._cookies)}
        return [
            PageRoute(f"{_ROOT}/allocations", {"GET": self.allocations, "POST": add}),
            PageRoute(f"{_ROOT}/allocations/quota", {"POST": change}),
            PageRoute(addresses.ADMIN_STATE, state),
            PageRoute(f"{_ROOT}/health", {"GET": self.health}),
        ]

    async def allocations(self, request: Request) -> Response:
        """All of them with what is in use."""
        return await self._show_allocations(request, Form())

    async def add_allocation(self, request: Request, form: Form) -> Response:
        """A container for somebody, with a quota."""
        admin = admin_of(request)
        path = _path(form)
        owner = form.require("owner", "Say whose it is.")
        size, files = _quota(form, "size"), _files(form, "files")
        if form.is_valid and path is not None:
            try:
                await in_thread(
                    self._add, admin, path, owner, quota_bytes=size, quota_files=files
                )
            except NoSuchUserError as error:
                form.refuse("owner", _sentence(str(error)))
            except Fault as fault:
                form.refuse("path", _sentence(fault.detail))
        if not form.is_valid:
            return await self._show_allocations(request, form)
        return self._done(request, f"{_ROOT}/allocations", "The allocation is made.")

    async def set_quota(self, request: Request, form: Form) -> Response:
        """Another quota; what is in use stays."""
        admin = admin_of(request)
        path = _path(form)
        size, files = _quota(form, "new-size"), _files(form, "new-files")
        if form.is_valid and path is not None:
            try:
                await in_thread(
                    self._allocations.set, admin, path, quota_bytes=size, quota_files=files
                )
            except Fault as fault:
                form.refuse("", _sentence(fault.detail))
        if not form.is_valid:
            return await self._show_allocations(request, form)
        return self._done(request, f"{_ROOT}/allocations", "The quota is changed.")

    async def state(self, request: Request) -> Response:
        """Whether the service works, only reads, or rests."""
        admin_of(request)
        now = await call(self._states.current)
        return self._pages.show(
            request, "admin/state.html", tab="state", state=now, modes=list(ServiceMode)
        )

    async def set_state(self, request: Request, form: Form) -> Response:
        """Put the service into another mode."""
        admin = admin_of(request)
        try:
            mode = ServiceMode.parse(form.get("mode"))
        except ValueError:
            return self._pages.go(addresses.ADMIN_STATE)
        await call(self._states.change, mode, by=admin)
        return self._done(request, addresses.ADMIN_STATE, "The state is changed.")

    async def health(self, request: Request) -> Response:
        """What the doctor finds."""
        admin_of(request)
        findings = await call(self._examine)
        return self._pages.show(request, "admin/health.html", tab="health", findings=findings)

    def _add(
        self,
        admin: Identity,
        path: NodePath,
        owner: str,
        *,
        quota_bytes: int | None,
        quota_files: int | None,
    ) -> None:
        user = self._accounts.get(owner)
        self._allocations.add(
            admin,
            path,
            owner_id=user.user_id,
            quota_bytes=quota_bytes,
            quota_files=quota_files,
        )

    async def _show_allocations(self, request: Request, form: Form) -> Response:
        admin_of(request)
        found = await call(self._allocations.list)
        return self._pages.show_form(
            request,
            "admin/allocations.html",
            form,
            tab="allocations",
            allocations=found,
            format_size=format_size,
        )

    def _done(self, request: Request, target: str, sentence: str) -> Response:
        say = self._pages.language_of(request).say
        return self._pages.go(target, Notice(text=say(sentence)))


def _path(form: Form) -> NodePath | None:
    text = form.require("path", "Say which folder.")
    try:
        return NodePath.parse(f"/{text.strip('/')}") if text else None
    except Fault as fault:
        form.refuse("path", _sentence(fault.detail))
        return None


def _quota(form: Form, field: str) -> int | None:
    """Bytes; an empty field is no limit."""
    text = form.get(field)
    try:
        return parse_size(text) if text else None
    except ValueError as error:
        form.refuse(field, _sentence(str(error)))
        return None


def _files(form: Form, field: str) -> int | None:
    text = form.get(field)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:30]) <= _MAX_FILES):
        form.refuse(field, "Write a number of files, or nothing for no limit.")
        return None
    return int(text)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
