"""Register: an account of one's own, where the operator allows it."""

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import PermissionDenied, ServiceBusy
from vospace_server.auth.delegation import Delegation
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.authentication import client_address
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.services.registration import RegistrationMode, RegistrationService
from vospace_server.services.sessions import SessionService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages
from vospace_server.web.routing import PageRoute, posting


class RegisterPages:
    """`/register`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        registration: RegistrationService,
        sessions: SessionService,
        delegation: Delegation,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._registration = registration
        self._sessions = sessions
        self._delegation = delegation

    @property
    def routes(self) -> list[TreeRoute]:
        """The address with its endpoints."""
        endpoints = {"GET": self.ask, "POST": posting(self.register, self._cookies)}
        return [PageRoute(addresses.REGISTER, endpoints)]

    async def ask(self, request: Request) -> Response:
        """The form."""
        if self._registration.mode is RegistrationMode.OFF:
            raise PermissionDenied("accounts are made by an administrator here")
        return self._show(request, Form())

    async def register(self, request: Request, form: Form) -> Response:
        """A new account, logged in at once unless it has to wait."""
        name = form.require("username", "Choose a user name.")
        password = form.exact("password")
        if password != form.exact("again"):
            form.refuse("again", "The two passwords differ.")
        if not password:
            form.refuse("password", "Choose a password.")
        if not form.is_valid or not self._cookies.may_be_given(request.scope):
            return self._show(request, form)
        try:
            user = await attempt(
                form,
                "username",
                self._registration.register,
                name,
                password,
                address=client_address(request.scope),
            )
        except ServiceBusy as fault:
            form.refuse("", "Too many accounts were made from your address. Wait a minute.")
            return self._show(request, form, busy=fault)
        if user is None:
            _move_to_password(form)
            return self._show(request, form)
        if user.waiting:
            return self._pages.show(request, "registered.html", name=user.name)
        return await self._log_in(request, user.name)

    async def _log_in(self, request: Request, name: str) -> Response:
        identity = self._delegation.identify(name, TokenScope.ADMIN)
        cookie = self._sessions.begin(identity)
        say = self._pages.language_of(request).say
        notice = Notice(text=say("Welcome, {name}. Your account is there.", name=name))
        response = self._pages.go(addresses.HOME, notice)
        response.headers.append("set-cookie", self._cookies.given(request.scope, cookie))
        return response

    def _show(
        self, request: Request, form: Form, *, busy: ServiceBusy | None = None
    ) -> Response:
        return self._pages.show_private_form(
            request,
            "register.html",
            form,
            is_private=self._cookies.may_be_given(request.scope),
            busy=busy,
            mode=self._registration.mode.value,
        )


def _move_to_password(form: Form) -> None:
    """What is wrong with the password is said beside it."""
    sentence = form.errors.get("username", "")
    if sentence.startswith("The password"):
        del form.errors["username"]
        form.refuse("password", sentence)
