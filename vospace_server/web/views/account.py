"""Account: password, tokens, certificates and logins of whoever looks."""

from datetime import timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidURI, NotAuthenticated, PermissionDenied, ServiceBusy
from vospace_model.uris import NodePath
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.client_certificate import read_certificate
from vospace_server.auth.credentials import PasswordCredentials
from vospace_server.domain.account import IdentityKind
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.authentication import client_address
from vospace_server.http.browser_sessions import SessionCookies, session_of
from vospace_server.http.peer_certificate import peer_chain
from vospace_server.http.routing import TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.accounts import AccountService
from vospace_server.services.certificates import CertificateService
from vospace_server.services.sessions import SessionService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt, call
from vospace_server.web.clock import now
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import FormEndpoint, PageRoute, posting

_LONGEST_DAYS: Final = 3650
_MAX_LABEL: Final = 100


class AccountPages:
    """`/account` and its forms."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        authenticator: Authenticator,
        accounts: AccountService,
        sessions: SessionService,
        certificates: CertificateService,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._authenticator = authenticator
        self._accounts = accounts
        self._sessions = sessions
        self._certificates = certificates

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        root = addresses.ACCOUNT
        deeds: dict[str, FormEndpoint] = {
            "password": self.change_password,
            "tokens": self.make_token,
            "tokens/revoke": self.revoke_token,
            "certificates": self.add_certificate,
            "certificates/remove": self.remove_certificate,
            "sessions/end": self.end_sessions,
        }
        # Not the form for a password, of which nothing is kept.
        shown_again = {"tokens": self._show}
        return [
            PageRoute(root, {"GET": self.show}),
            *(
                PageRoute(
                    f"{root}/{deed}",
                    {"POST": posting(endpoint, self._cookies, again=shown_again.get(deed))},
                )
                for deed, endpoint in deeds.items()
            ),
        ]

    async def show(self, request: Request) -> Response:
        """Everything about the account."""
        return await self._show(request, Form())

    async def change_password(self, request: Request, form: Form) -> Response:
        """A new password, for whoever knows the old one; all other logins end."""
        viewer = viewer_of(request)
        new = form.exact("new")
        if not form.exact("current"):
            form.refuse("current", "Type your password of now.")
        if new != form.exact("again"):
            form.refuse("again", "The two passwords differ.")
        if form.is_valid:
            await self._check_password(request, form, viewer)
        if form.is_valid:
            await attempt(
                form,
                "new",
                self._accounts.set_password,
                viewer.name,
                new,
                by=viewer,
                keep=session_of(request),
            )
        if not form.is_valid:
            return await self._show(request, form)
        return self._done(request, "The password is changed; other browsers are logged out.")

    async def make_token(self, request: Request, form: Form) -> Response:
        """A new token, shown this once."""
        viewer = viewer_of(request)
        label = form.require("label", "Say what the token is for.")
        if len(label) > _MAX_LABEL:
            form.refuse("label", "Use at most 100 characters.")
        days = form.get("days")
        if days and not (
            days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= _LONGEST_DAYS
        ):
            form.refuse(
                "days", "Write a number of days, from 1 to 3650, or nothing for no end."
            )
        scope = _scope(form, viewer)
        token = None
        if form.is_valid and scope is not None:
            token = await attempt(
                form,
                "label",
                self._accounts.make_token,
                viewer.name,
                scope=scope,
                lifetime=timedelta(days=int(days)) if days else None,
                label=label,
                by=viewer,
            )
        if token is None:
            return await self._show(request, form)
        return await self._show(request, Form(), token=token)

    async def revoke_token(self, request: Request, form: Form) -> Response:
        """The token is no good any more, at once."""
        viewer = viewer_of(request)
        number = form.get("token")
        if number.isascii() and number.isdigit():
            await call(self._accounts.revoke_token, viewer.name, int(number[:18]), by=viewer)
        return self._done(request, "The token is revoked.")

    async def add_certificate(self, request: Request, form: Form) -> Response:
        """The certificate that this browser has shown and proved to hold, and no other."""
        viewer = viewer_of(request)
        name = await in_thread(self._shown_name, request)
        if name is None:
            raise PermissionDenied("your browser shows no certificate of another authority")
        await attempt(
            form,
            "certificate",
            self._accounts.change_identities,
            viewer.name,
            add=[(IdentityKind.X500, name)],
            by=viewer,
        )
        if not form.is_valid:
            return await self._show(request, form)
        return self._done(request, "The certificate logs you in from now on.")

    async def remove_certificate(self, request: Request, form: Form) -> Response:
        """A certificate that does not log in as this account any more."""
        viewer = viewer_of(request)
        await call(
            self._accounts.change_identities,
            viewer.name,
            remove=[(IdentityKind.X500, form.get("name"))],
            by=viewer,
        )
        return self._done(request, "The certificate is no way in any more.")

    async def end_sessions(self, request: Request, _form: Form) -> Response:
        """Every other browser is logged out."""
        viewer = viewer_of(request)
        await call(self._sessions.end_all, viewer.user_id, by=viewer, but=session_of(request))
        return self._done(request, "All other browsers are logged out.")

    async def _check_password(self, request: Request, form: Form, viewer: Identity) -> None:
        credentials = PasswordCredentials(name=viewer.name, password=form.exact("current"))
        address = client_address(request.scope)
        try:
            await in_thread(self._authenticator.authenticate, credentials, address=address)
        except NotAuthenticated:
            form.refuse("current", "This is not your password.")
        except ServiceBusy:
            form.refuse("current", "There were too many wrong passwords. Wait a minute.")

    def _shown_name(self, request: Request) -> str | None:
        """The name in a certificate of the connection, of an authority that is not ours."""
        chain = peer_chain(request.scope)
        if not chain:
            return None
        try:
            holder = read_certificate(chain, now=now())
        except NotAuthenticated:
            return None
        return None if holder.authority in self._certificates.encoded() else holder.name

    async def _show(self, request: Request, form: Form, *, token: str = "") -> Response:
        context = await call(self._known, request, viewer_of(request))
        return self._pages.show_form(request, "account.html", form, token=token, **context)

    def _known(self, request: Request, viewer: Identity) -> dict[str, Any]:
        user = self._accounts.get(viewer.name)
        moment = now()
        return {
            "user": user,
            "tokens": [
                token
                for token in self._accounts.tokens(viewer.name)
                if not token.revoked and (token.expires is None or token.expires > moment)
            ],
            "sessions": self._sessions.of_user(viewer.user_id),
            "session": session_of(request),
            "shown_name": self._shown_name(request),
        }

    def _done(self, request: Request, sentence: str) -> Response:
        say = self._pages.language_of(request).say
        return self._pages.go(addresses.ACCOUNT, Notice(text=say(sentence)))


_LEVELS: Final = {
    scope.label: scope for scope in (TokenScope.READ, TokenScope.WRITE, TokenScope.ADMIN)
}


def _scope(form: Form, viewer: Identity) -> TokenScope | None:
    """What the token may do, and where; None if the form does not say it well."""
    level = form.get("scope") or TokenScope.READ.label
    scope = _LEVELS.get(level)
    if scope is None:
        form.refuse("scope", "Choose what the token may do.")
        return None
    if scope == TokenScope.ADMIN and not viewer.acts_as_admin:
        form.refuse("scope", "Only administrators have tokens that administer.")
    folder = form.get("folder")
    if not folder:
        return scope
    if scope == TokenScope.ADMIN:
        form.refuse("folder", "A token that administers is for no folder alone.")
        return None
    try:
        return TokenScope.parse(f"{level}:{NodePath.parse(folder).quoted()}")
    except (InvalidURI, ValueError):
        form.refuse("folder", "Write the path of a folder, such as /hst-refer.")
        return None


def _is_life(days: str) -> bool:
    return days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= _LONGEST_DAYS
