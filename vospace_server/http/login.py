"""Log in and ask who one is, at the addresses and in the forms that CADC's clients know."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote
from uuid import UUID
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument, NotAuthenticated, PermissionDenied
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.credentials import PasswordCredentials
from vospace_server.domain.access import require_whole_reach
from vospace_server.domain.account import NoSuchUserError, User
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import ScopeLevel, TokenScope
from vospace_server.http.authentication import (
    AUTHENTICATED_HEADER,
    caller_of,
    client_address,
)
from vospace_server.http.challenges import LOGIN_PATH, TOKEN_PATH
from vospace_server.http.request_bodies import read_document
from vospace_server.http.request_credentials import COOKIE
from vospace_server.http.responses import document, empty, text
from vospace_server.http.routing import ExactRoute, TreeRoute, rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.accounts import AccountService

WHOAMI_PATH = "/ac/whoami"
USERS_PATH = "/ac/users"

_FORM_BYTES = 8 * 1024
_MULTIPART = "multipart/"
_YES = {"1", "true", "yes", "on"}


class LoginEndpoints:
    """`/ac/login`, `/ac/whoami` and what the latter leads to."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        accounts: AccountService,
        token_lifetime: timedelta,
        group_service_id: str,
    ) -> None:
        self._authenticator = authenticator
        self._accounts = accounts
        self._token_lifetime = token_lifetime
        self._group_service_id = group_service_id

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            ExactRoute(LOGIN_PATH, {"POST": self.login}),
            ExactRoute(TOKEN_PATH, {"POST": self.exchange}),
            ExactRoute(WHOAMI_PATH, {"GET": self.whoami, "HEAD": self.whoami}),
            TreeRoute(USERS_PATH, {"GET": self.user, "HEAD": self.user}),
        ]

    async def login(self, request: Request) -> Response:
        """A form with `username`, `password` and perhaps `scope` becomes a token, as text.

        A scope is `read`, `write` (the default) or `admin`, or `read` and `write` below paths.
        With `cookie=true` the token comes as CADC's cookie as well.
        """
        form = await _read_form(request, required=("username", "password"))
        credentials = PasswordCredentials(name=form["username"], password=form["password"])
        scope = _read_scope(form.get("scope"))
        token = await in_thread(
            self._log_in, credentials, scope=scope, address=client_address(request.scope)
        )
        response = text(
            token, headers={AUTHENTICATED_HEADER: credentials.name, **_bearing(token)}
        )
        if form.get("cookie", "").lower() in _YES:
            response.set_cookie(
                COOKIE,
                token,
                max_age=int(self._token_lifetime.total_seconds()),
                secure=request.scope.get("scheme") == "https",
                httponly=True,
                samesite="lax",
            )
        return response

    async def exchange(self, request: Request) -> Response:
        """A certificate, or what else the caller came with, becomes a token, as text.

        It may do no more, reaches no further and lives no longer than what was shown for it.
        """
        identity = _known(request)
        form = await _read_form(request, required=())
        scope = _read_scope(form.get("scope")).at_most(identity.scope)
        if scope.most is ScopeLevel.NOTHING:
            raise PermissionDenied(f"the credential is limited to {identity.scope.label}")
        token = await in_thread(self._make_token, identity, scope, "exchange")
        return text(token, headers=_bearing(token))

    async def whoami(self, request: Request) -> Response:
        """302 to the document about the caller."""
        identity = _known(request)
        return empty(302, {"location": f"{USERS_PATH}/{quote(identity.name)}?idType=HTTP"})

    async def user(self, request: Request) -> Response:
        """The identities of an account, for its owner and for administrators."""
        identity = _known(request)
        require_whole_reach(identity, "look at accounts")
        name = unquote(rest_of_path(request).decode("ascii", "replace")).strip("/")
        if name != identity.name and not identity.acts_as_admin:
            raise PermissionDenied("accounts of others are seen by administrators only")
        try:
            user = await in_thread(self._accounts.get, name)
        except NoSuchUserError as error:
            return text(f"NotFound: {error}\n", status=404)
        return document(_user_document(user, self._group_service_id).encode())

    def _log_in(
        self, credentials: PasswordCredentials, *, scope: TokenScope, address: str
    ) -> str:
        identity = self._authenticator.authenticate(credentials, address=address)
        return self._make_token(identity, scope, "login")

    def _make_token(self, identity: Identity, scope: TokenScope, label: str) -> str:
        lifetime = self._token_lifetime
        if identity.expires is not None:
            lifetime = min(lifetime, identity.expires - datetime.now(UTC))
        return self._accounts.make_token(
            identity.name, scope=scope, lifetime=lifetime, label=label, by=identity
        )


def _bearing(token: str) -> dict[str, str]:
    return {"x-vo-bearer": token, "cache-control": "no-store"}


async def _read_form(request: Request, *, required: Sequence[str]) -> dict[str, str]:
    """The fields of a form by lower-case name. Raises InvalidArgument when one is missing."""
    if request.headers.get("content-type", "").startswith(_MULTIPART):
        raise InvalidArgument("send the form as application/x-www-form-urlencoded")
    body = await read_document(request, _FORM_BYTES)
    fields = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    form = {name.lower(): value for name, value in fields}
    missing = [name for name in required if not form.get(name)]
    if missing:
        raise InvalidArgument(f"the form lacks {' and '.join(missing)}")
    return form


def _read_scope(value: str | None) -> TokenScope:
    if not value:
        return TokenScope.WRITE
    try:
        return TokenScope.parse(value)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


def _known(request: Request) -> Identity:
    caller = caller_of(request)
    if not isinstance(caller, Identity):
        raise NotAuthenticated("nobody is logged in")
    return caller


def _user_document(user: User, group_service_id: str) -> str:
    """An account in CADC's XML, which has no namespace and no schema."""
    known = [("HTTP", user.name), *(("X500", name) for name in user.distinguished_names)]
    identities = "".join(
        f'<identity type="{kind}">{escape(value)}</identity>' for kind, value in known
    )
    internal_id = f"{group_service_id}?{UUID(int=user.user_id)}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<user><internalID><uri>{escape(internal_id)}</uri></internalID>"
        f"<identities>{identities}</identities></user>\n"
    )
