"""/gms/groups: groups made, shown, changed and ended, as CADC's clients ask (contract 3.3)."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument, InvalidURI
from vospace_model.xml.groups import MAX_GROUP_BYTES, read_group, write_group
from vospace_server.domain.account import (
    AdministrationError,
    AlreadyExistsError,
    InvalidValueError,
    NoSuchGroupError,
    NoSuchUserError,
    NotAMemberError,
)
from vospace_server.domain.group import GroupChange
from vospace_server.domain.identity import Identity
from vospace_server.http.gms import GROUP_XML, known_caller
from vospace_server.http.group_documents import GroupDocuments
from vospace_server.http.parameters import Parameters, query_parameters
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import document, empty, text
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.group_queries import GroupQueries
from vospace_server.services.groups import GroupService

_USER_MEMBERS: Final = "userMembers"
_GROUP_MEMBERS: Final = "groupMembers"
_SEGMENTS_OF_A_MEMBER: Final = 3
# The standard has names for refusals about nodes alone; these begin with a word of the same
# kind, as CADC's do.
_REFUSALS: Final[dict[type[AdministrationError], tuple[int, str]]] = {
    NoSuchGroupError: (404, "NotFound"),
    NoSuchUserError: (404, "NotFound"),
    NotAMemberError: (404, "NotFound"),
    AlreadyExistsError: (409, "AlreadyExists"),
    InvalidValueError: (400, "InvalidArgument"),
}

_Endpoint = Callable[["GroupEndpoints", Request], Coroutine[Any, Any, Response]]


def _refusing(endpoint: _Endpoint) -> _Endpoint:
    """The endpoint with what can't be done told by a status and one line."""

    @wraps(endpoint)
    async def answer(self: "GroupEndpoints", request: Request) -> Response:
        try:
            return await endpoint(self, request)
        except AdministrationError as error:
            status, word = _REFUSALS.get(type(error), (400, "InvalidArgument"))
            return text(f"{word}: {error}\n", status=status)

    return answer


class GroupEndpoints:
    """`/gms/groups`, `/gms/groups/NAME` and `/gms/groups/NAME/{userMembers,groupMembers}/WHO`.

    Every address is for callers who are known. Where the path and the query disagree on who is
    meant, the query is right, since CADC's client swaps the two in the path.
    """

    def __init__(
        self, *, groups: GroupService, queries: GroupQueries, documents: GroupDocuments
    ) -> None:
        self._groups = groups
        self._queries = queries
        self._documents = documents

    @_refusing
    async def get(self, request: Request) -> Response:
        """The document of a group; without a name, the names of all that the caller may see."""
        caller, path = known_caller(request), _path(request)
        if not path:
            caller = await in_thread(self._queries.informed, caller)
            groups = await in_thread(self._queries.visible, caller)
            return text("".join(f"{group.name}\r\n" for group in groups))
        return await self._shown(caller, _only_name(path))

    @_refusing
    async def put(self, request: Request) -> Response:
        """Make a group from its document, or somebody a member of one.

        Whoever makes a group owns it and, as CADC's clients promise, is its first member.
        """
        caller, path = known_caller(request), _path(request)
        if path:
            await self._add_member(caller, path, query_parameters(request))
            return empty(200)
        described = read_group(await read_document(request, MAX_GROUP_BYTES))
        name = self._name_of(described.uri)
        content = self._documents.read(described)
        await in_thread(
            self._groups.add,
            name,
            owner=caller.name,
            description=described.description or "",
            by=caller,
            content=GroupChange(
                members=(f"user:{caller.name}", *(content.members or ())),
                admins=content.admins,
                properties=content.properties,
            ),
        )
        return await self._shown(caller, name)

    @_refusing
    async def post(self, request: Request) -> Response:
        """Make a group what its document says: what is not in it is in the group no more."""
        caller, name = known_caller(request), _only_name(_path(request))
        described = read_group(await read_document(request, MAX_GROUP_BYTES))
        if self._name_of(described.uri) != name:
            raise InvalidArgument(f"the document is of {described.uri}, the address of {name}")
        change = self._documents.read(described)
        await in_thread(self._groups.change, name, change, by=caller)
        return await self._shown(caller, name)

    @_refusing
    async def delete(self, request: Request) -> Response:
        """End a group, or somebody's membership in it."""
        caller, path = known_caller(request), _path(request)
        if len(path) > 1:
            group, line = self._member(path, query_parameters(request))
            await in_thread(self._groups.remove_member, group, line, by=caller)
        else:
            await in_thread(self._groups.delete, _only_name(path), by=caller)
        return empty(200)

    async def _shown(self, caller: Identity, name: str) -> Response:
        view = await in_thread(self._queries.get, caller, name)
        return document(write_group(self._documents.show(view)), GROUP_XML)

    async def _add_member(
        self, caller: Identity, path: list[str], parameters: Parameters
    ) -> None:
        group, line = self._member(path, parameters)
        await in_thread(self._groups.add_member, group, line, expires=None, by=caller)

    def _member(self, path: list[str], parameters: Parameters) -> tuple[str, str]:
        """Which group is meant, and who; the query before the path."""
        if len(path) < _SEGMENTS_OF_A_MEMBER or path[1] not in {_USER_MEMBERS, _GROUP_MEMBERS}:
            raise InvalidArgument("a member is at GROUP/userMembers/… or GROUP/groupMembers/…")
        in_path = "/".join(path[2:])
        group = parameters.get("groupID") or path[0]
        if path[1] == _GROUP_MEMBERS:
            return group, f"group:{parameters.get('groupID2') or in_path}"
        name = parameters.get("userID") or in_path
        return group, self._documents.user_line(name, parameters.get("idType") or "HTTP")

    def _name_of(self, uri: str) -> str:
        name = self._documents.naming.own_name(uri)
        if name is None:
            raise InvalidArgument(f"{uri} is a group of another service")
        return name


def _path(request: Request) -> list[str]:
    """The decoded segments below /groups, without empty ones at the ends."""
    raw = rest_of_path(request).decode("ascii", "replace").strip("/")
    try:
        return [unquote(part, errors="strict") for part in raw.split("/")] if raw else []
    except UnicodeDecodeError as error:
        raise InvalidURI("the path is not UTF-8") from error


def _only_name(path: list[str]) -> str:
    if len(path) != 1:
        raise InvalidArgument("a group is at /gms/groups/NAME")
    return path[0]
