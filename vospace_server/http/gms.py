"""/gms: the group service: IVOA's search (GMS 1.0), and what CADC adds to it (contract 3)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument, NotAuthenticated, PermissionDenied
from vospace_model.groups import IdentityType
from vospace_model.xml.groups import write_groups
from vospace_server.domain.access import require_whole_reach
from vospace_server.domain.group import GroupRole
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.authentication import caller_of
from vospace_server.http.group_documents import GroupDocuments
from vospace_server.http.parameters import Parameters, query_parameters
from vospace_server.http.responses import document, text
from vospace_server.http.threads import in_thread
from vospace_server.services.group_queries import GroupQueries

GROUP_XML: Final = "application/xml"
# Whoever keeps an answer must ask again after this, for changes hold everywhere within it.
# Another group service asks; it would ask us again what we ask it (RFC 9110, 7.6.2).
_FORWARDS: Final = "max-forwards"
_KEPT: Final = timedelta(seconds=60)


def known_caller(request: Request) -> Identity:
    """Who asks; NotAuthenticated for nobody, as groups are told to those in them alone.

    PermissionDenied for a credential that is limited to some paths: groups are at none.
    """
    caller = caller_of(request)
    if not isinstance(caller, Identity):
        raise NotAuthenticated("log in: groups are told to those who belong to them")
    require_whole_reach(caller, "look at groups")
    return caller


class GmsEndpoints:
    """`/gms/search`. `identify` gives the account of a name."""

    def __init__(
        self,
        *,
        queries: GroupQueries,
        documents: GroupDocuments,
        identify: Callable[[str, TokenScope], Identity],
    ) -> None:
        self._queries = queries
        self._documents = documents
        self._identify = identify

    async def search(self, request: Request) -> Response:
        """The caller's groups: by name, one per line, or as CADC's XML for a `role`.

        `group` (repeatable) asks for these alone. `userID` asks for the groups of somebody
        else, which only administrators may: services that trust each other ask so. With
        `Max-Forwards: 0` no other service is asked in turn. Of groups outside of the answer,
        nothing tells whether they exist.
        """
        parameters = query_parameters(request)
        caller = await self._subject(known_caller(request), parameters)
        if request.headers.get(_FORWARDS) != "0":
            caller = await in_thread(self._queries.informed, caller)
        role = _role(parameters)
        if role is not None:
            return await self._by_role(caller, role, parameters.get("groupID"))
        names = self._queries.memberships(caller)
        wanted = parameters.all("group")
        if wanted:
            asked_for = {self._documents.naming.own_name(each) for each in wanted}
            names = [name for name in names if name in asked_for]
        return text("".join(f"{name}\r\n" for name in names), headers=_kept())

    async def _subject(self, caller: Identity, parameters: Parameters) -> Identity:
        """Whose groups are asked for."""
        name = parameters.get("userID")
        if name is None or name == caller.name:
            return caller
        if not caller.acts_as_admin:
            raise PermissionDenied("only administrators ask for the groups of others")
        if (parameters.get("idType") or IdentityType.HTTP) != IdentityType.HTTP:
            raise InvalidArgument("userID is the name of a user (idType HTTP)")
        return await in_thread(self._identify, name, TokenScope.READ)

    async def _by_role(
        self, caller: Identity, role: GroupRole, group_id: str | None
    ) -> Response:
        groups = await in_thread(self._queries.with_role, caller, role)
        names = [group.name for group in groups]
        if group_id is not None:
            name = self._documents.naming.own_name(group_id)
            names = [each for each in names if each == name]
        found = write_groups(map(self._documents.uri, names))
        return document(found, GROUP_XML, headers=_kept())


def _role(parameters: Parameters) -> GroupRole | None:
    word = parameters.get("role")
    if word is None:
        if parameters.get("groupID") is not None:
            raise InvalidArgument("groupID needs a role: member, admin or owner")
        return None
    for role in GroupRole:
        if role.value == word.lower():
            return role
    raise InvalidArgument(f"role is member, admin or owner, not {word[:40]!r}")


def _kept() -> dict[str, str]:
    expires = format_datetime(datetime.now(UTC) + _KEPT, usegmt=True)
    return {"expires": expires, "cache-control": f"private, max-age={_KEPT.seconds}"}
