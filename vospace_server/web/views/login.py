"""Log in, log out: from a password to a session, and back."""

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import NotAuthenticated, ServiceBusy
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.credentials import PasswordCredentials
from vospace_server.domain.identity import Identity
from vospace_server.http.authentication import as_caller, caller_of, client_address
from vospace_server.http.browser_sessions import SessionCookies, in_session, session_of
from vospace_server.http.routing import TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.sessions import SessionService
from vospace_server.web import addresses
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages
from vospace_server.web.routing import PageRoute, posting
from vospace_server.web.unsent import UnsentForms, read_unsent


class LoginPages:
    """`/login` and `/logout`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        authenticator: Authenticator,
        sessions: SessionService,
        unsent_forms: UnsentForms,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._authenticator = authenticator
        self._sessions = sessions
        self._unsent_forms = unsent_forms

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            PageRoute(
                addresses.LOGIN,
                {
                    "GET": self.ask,
                    "POST": posting(self.log_in, self._cookies, asks_token=False),
                },
            ),
            PageRoute(
                addresses.LOGOUT,
                {"GET": self.ask_to_leave, "POST": posting(self.log_out, self._cookies)},
            ),
        ]

    async def ask(self, request: Request) -> Response:
        """The form, or straight on for somebody who is logged in."""
        target = addresses.local_target(request.query_params.get("next"))
        if session_of(request) is not None:
            return self._pages.go(target)
        return self._show(request, Form.filled(next=target))

    async def log_in(self, request: Request, form: Form) -> Response:
        """A new session, and on to the page that was asked for, or the form that waits."""
        name = form.require("username", "Type your user name.")
        password = form.exact("password")
        if not password:
            form.refuse("password", "Type your password.")
        if not self._cookies.may_be_given(request.scope) or not form.is_valid:
            return self._show(request, form)
        credentials = PasswordCredentials(name=name, password=password)
        try:
            identity, cookie = await in_thread(self._begin, request, credentials)
        except NotAuthenticated as fault:
            wrong = "disabled" not in fault.detail
            form.refuse(
                "",
                "The user name or the password is wrong."
                if wrong
                else "This account is not open (yet).",
            )
            return self._show(request, form)
        except ServiceBusy as fault:
            form.refuse(
                "", "There were too many wrong passwords. Wait a minute, then try again."
            )
            return self._show(request, form, busy=fault)
        response = await self._onward(request, form, identity, cookie)
        response.headers.append("set-cookie", self._cookies.given(request.scope, cookie))
        return response

    async def ask_to_leave(self, request: Request) -> Response:
        """A button: following a link never logs anybody out."""
        if session_of(request) is None:
            return self._pages.go(addresses.HOME)
        return self._pages.show(request, "logout.html")

    async def log_out(self, request: Request, form: Form) -> Response:
        """End the session, or with `everywhere` all sessions of the account."""
        session, caller = session_of(request), caller_of(request)
        if session is not None and isinstance(caller, Identity):
            if form.has("everywhere"):
                await in_thread(self._sessions.end_all, session.user_id, by=caller)
            else:
                await in_thread(self._sessions.end, session, by=caller)
        language = self._pages.language_of(request)
        response = self._pages.go(
            addresses.HOME, Notice(text=language.say("You are logged out."))
        )
        response.headers.append("set-cookie", self._cookies.taken(request.scope))
        return response

    def _begin(
        self, request: Request, credentials: PasswordCredentials
    ) -> tuple[Identity, str]:
        address = client_address(request.scope)
        identity = self._authenticator.authenticate(credentials, address=address)
        before = self._cookies.read(request.scope)
        return identity, self._sessions.begin(identity, instead_of=before)

    async def _onward(
        self, request: Request, form: Form, identity: Identity, cookie: str
    ) -> Response:
        """The form that somebody could not send before, or the page that was asked for."""
        unsent = read_unsent(form)
        session = None
        if unsent is not None:
            session = await in_thread(self._sessions.find, cookie)
        if unsent is not None and session is not None:
            scope = in_session(as_caller(request.scope, identity), session)
            shown = await self._unsent_forms.show(unsent, scope)
            if shown is not None:
                return shown
        return self._pages.go(addresses.local_target(form.get("next")))

    def _show(
        self, request: Request, form: Form, *, busy: ServiceBusy | None = None
    ) -> Response:
        return self._pages.show_private_form(
            request,
            "login.html",
            form,
            is_private=self._cookies.may_be_given(request.scope),
            busy=busy,
            next=addresses.local_target(form.get("next")),
            unsent=read_unsent(form),
        )
