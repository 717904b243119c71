"""Users, for administrators: who there is, a new one, and what is changed of one."""

import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_server.domain.account import IdentityKind, User
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.sessions import SessionService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt, call
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, admin_of
from vospace_server.web.routing import PageRoute, path_value, posting

_ROOT: Final = f"{addresses.ADMIN}/users"
_ONE: Final = f"{_ROOT}/show/{{user}}"
_PASSWORD_BYTES: Final = 12


class AdminUserPages:
    """`/admin`, `/admin/users` and below."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        accounts: AccountService,
        sessions: SessionService,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._accounts = accounts
        self._sessions = sessions

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        add = posting(self.add, self._cookies, again=self._list)
        names = posting(self.set_names, self._cookies, again=self.show_names)
        users = {"GET": self.list, "POST": add}
        return [
            PageRoute(addresses.ADMIN, {"GET": self.list}),
            PageRoute(_ROOT, users),
            PageRoute(_ONE, {"GET": self.show}),
            PageRoute(f"{_ONE}/access", {"POST": posting(self.set_access, self._cookies)}),
            PageRoute(f"{_ONE}/password", {"POST": posting(self.reset, self._cookies)}),
            PageRoute(f"{_ONE}/names", {"POST": names}),
        ]

    async def list(self, request: Request) -> Response:
        """Everybody, those who wait to be let in first."""
        return await self._list(request, Form())

    async def add(self, request: Request, form: Form) -> Response:
        """A new account; without a password, one is made and shown this once."""
        admin = admin_of(request)
        name = form.require("name", "Give the user a name.")
        password = form.exact("password") or secrets.token_urlsafe(_PASSWORD_BYTES)
        names = [each for each in [form.get("dn")] if each]
        user = None
        if form.is_valid:
            new = NewUser(
                name=name,
                password=password,
                distinguished_names=names,
                email=form.get("email") or None,
                is_admin=form.has("admin"),
            )
            user = await attempt(form, "name", self._accounts.add, new, by=admin)
        if user is None:
            return await self._list(request, form)
        shown = "" if form.exact("password") else password
        return await self._show(request, user.name, Form(), password=shown)

    async def show(self, request: Request) -> Response:
        """One user."""
        admin_of(request)
        return await self._show(request, path_value(request, "user"), Form())

    async def set_access(self, request: Request, form: Form) -> Response:
        """Shut an account, with all its logins and tokens, or open it."""
        admin, name = admin_of(request), path_value(request, "user")
        disabled = form.get("access") != "open"
        if disabled and name == admin.name:
            form.refuse("", "You would shut yourself out. Ask another administrator.")
            return await self._show(request, name, form)
        await call(self._accounts.set_disabled, name, disabled=disabled, by=admin)
        words = "The account {name} is shut." if disabled else "The account {name} is open."
        return self._done(request, name, words)

    async def reset(self, request: Request, form: Form) -> Response:
        """Another password, made here and shown this once; all logins end."""
        admin, name = admin_of(request), path_value(request, "user")
        del form
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        await call(self._accounts.set_password, name, password, by=admin)
        return await self._show(request, name, Form(), password=password)

    async def set_names(self, request: Request, form: Form) -> Response:
        """Add or remove a distinguished name by which certificates log in."""
        admin, name = admin_of(request), path_value(request, "user")
        if form.has("remove"):
            await call(
                self._accounts.change_identities,
                name,
                remove=[(IdentityKind.X500, form.get("remove"))],
                by=admin,
            )
            return self._done(request, name, "The name is removed.")
        dn = form.require("dn", "Type the distinguished name of the certificate.")
        if form.is_valid:
            await attempt(
                form,
                "dn",
                self._accounts.change_identities,
                name,
                add=[(IdentityKind.X500, dn)],
                by=admin,
            )
        if not form.is_valid:
            return await self._show(request, name, form)
        return self._done(request, name, "The certificate logs in as {name} from now on.")

    async def show_names(self, request: Request, form: Form) -> Response:
        """The form for a name with what is in it."""
        admin_of(request)
        return await self._show(request, path_value(request, "user"), form)

    async def _list(self, request: Request, form: Form) -> Response:
        admin_of(request)
        users = await call(self._accounts.all)
        ordered = sorted(users, key=lambda user: (not user.waiting, user.name))
        return self._pages.show_form(
            request, "admin/users.html", form, tab="users", users=ordered
        )

    async def _show(
        self, request: Request, name: str, form: Form, *, password: str = ""
    ) -> Response:
        user: User = await call(self._accounts.get, name)
        logins = await call(self._sessions.of_user, user.user_id)
        return self._pages.show_form(
            request,
            "admin/user.html",
            form,
            tab="users",
            user=user,
            logins=logins,
            password=password,
        )

    def _done(self, request: Request, name: str, sentence: str) -> Response:
        say = self._pages.language_of(request).say
        return self._pages.go(addresses.user(name), Notice(text=say(sentence, name=name)))
