"""Refusals as pages: what happened and what to do next, in words of their own for each."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from vospace_model.faults import Fault, NotAuthenticated, PermissionDenied, status_of
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.http.authentication import caller_of
from vospace_server.http.browser_sessions import SAFE_METHODS, SessionCookies, has_ended
from vospace_server.http.threads import in_thread
from vospace_server.web.addresses import login_address, target_of_referrer
from vospace_server.web.forms import Form
from vospace_server.web.pages import Pages, here
from vospace_server.web.unsent import unsent_of

_LOG = logging.getLogger(__name__)
_CALLER: Final = "vospace.caller"

# Who can grant access to what a refused request asked for; None when nobody may know.
Grantor = Callable[[Caller, bytes], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    title: str
    advice: str


_WORDS: Final = {
    400: _Words(
        title="That request could not be understood",
        advice="Check the address or what was typed, and try again.",
    ),
    403: _Words(
        title="You may not do this",
        advice="Log in with another account, or ask somebody who can grant access.",
    ),
    404: _Words(
        title="There is nothing here",
        advice="It may have been moved, renamed or deleted. Check the address for a slip.",
    ),
    405: _Words(
        title="This address can't be opened",
        advice="It belongs to a form. Go back to the page that you came from.",
    ),
    409: _Words(
        title="Something is in the way",
        advice="Somebody may have changed it at the same time. Look again, then repeat it.",
    ),
    412: _Words(
        title="It has changed meanwhile",
        advice="Load the page again to see what it is now, then decide.",
    ),
    413: _Words(
        title="That is too much",
        advice=(
            "Send less at once or make room: delete what is not needed, or ask an "
            "administrator for a larger quota."
        ),
    ),
    416: _Words(
        title="That part does not exist",
        advice="The file is shorter than the part that was asked for.",
    ),
    423: _Words(
        title="This is locked",
        advice="Its owner has locked it against changes. Ask the owner to unlock it.",
    ),
    500: _Words(
        title="Something broke here",
        advice="It is not your doing, and it has been written to the log. Try again later.",
    ),
    503: _Words(
        title="The service is busy or closed for now",
        advice="Nothing was lost. Wait a little and load the page again.",
    ),
}


class ErrorPages:
    """Answers faults with pages, when a person with a browser asks (http/faults.py)."""

    def __init__(
        self, *, pages: Pages, cookies: SessionCookies, grantor: Grantor | None = None
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._grantor = grantor

    async def answer(self, fault: Fault, scope: Scope) -> Response | None:
        """The page, or the way to the login; None for a program."""
        if not _is_person(scope):
            return None
        # A refusal before or in the authentication comes without a caller.
        scope.setdefault(_CALLER, ANONYMOUS)
        try:
            return await self._answer(fault, scope)
        except Exception:  # noqa: BLE001 - the text is still there for the answer
            _LOG.exception("the page that says %r failed", fault.name)
            return None

    async def _answer(self, fault: Fault, scope: Scope) -> Response:
        request = Request(scope)
        if _login_helps(fault, request):
            return self._login(request)
        grantor = None
        if isinstance(fault, PermissionDenied) and self._grantor is not None:
            grantor = await in_thread(self._grantor, scope[_CALLER], scope["raw_path"])
        status = status_of(fault)
        return self._pages.show(
            request,
            "error.html",
            status=status,
            code=status,
            words=_WORDS.get(status, _WORDS[500 if status >= 500 else 400]),  # noqa: PLR2004
            detail=fault.detail,
            grantor=grantor,
        )

    def _login(self, request: Request) -> Response:
        """The way to the login, or the login itself, with what was typed into a form."""
        place, unsent = _place(request), unsent_of(request.scope)
        if unsent is None:
            return self._pages.go(login_address(place))
        return self._pages.show_private_form(
            request,
            "login.html",
            Form(),
            is_private=self._cookies.may_be_given(request.scope),
            next=place,
            unsent=unsent,
        )


def _is_person(scope: Scope) -> bool:
    """Browsers name HTML first when they go to a page; programs and modules don't."""
    return "text/html" in Headers(scope=scope).get("accept", "")


def _login_helps(fault: Fault, request: Request) -> bool:
    """Whether somebody who is not logged in would be answered otherwise if they were."""
    if isinstance(caller_of(request), Identity) or "authorization" in request.headers:
        return False
    if isinstance(fault, PermissionDenied):
        # A form that another site sent is refused, whoever is logged in.
        return request.method in SAFE_METHODS or has_ended(request)
    return isinstance(fault, NotAuthenticated)


def _place(request: Request) -> str:
    """Where to come back to after a login."""
    if request.method in SAFE_METHODS:
        return here(request)
    return target_of_referrer(request.headers.get("referer"))
