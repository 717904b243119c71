"""/api/v1/groups: groups for pages and programs, in JSON, as far as the caller may see them."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument, NodeNotFound, NotAuthenticated
from vospace_server.domain.access import require_whole_reach
from vospace_server.domain.account import AdministrationError, NoSuchGroupError
from vospace_server.domain.group import Member
from vospace_server.domain.identity import Identity
from vospace_server.http.authentication import caller_of
from vospace_server.http.parameters import query_parameters
from vospace_server.http.responses import json_document
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.group_queries import GroupQueries

GROUPS_PATH: Final = "/api/v1/groups"
_MOST_FOUND: Final = 50


class GroupApi:
    """Find groups by a text, and see who is in one."""

    def __init__(self, *, queries: GroupQueries) -> None:
        self._queries = queries

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            ExactRoute(GROUPS_PATH, {"GET": self.find}),
            ExactRoute(f"{GROUPS_PATH}/members", {"GET": self.members}),
        ]

    async def find(self, request: Request) -> Response:
        """At most 50 groups with `text` in name or description; those of the caller first."""
        caller = _known(request)
        text = query_parameters(request).get("text") or ""
        return json_document(await in_thread(self._find, caller, text), headers=_PRIVATE)

    async def members(self, request: Request) -> Response:
        """Who is in `group`, a name or a URI."""
        caller = _known(request)
        name = query_parameters(request).get("group")
        if not name:
            raise InvalidArgument("say which group")
        return json_document(await in_thread(self._members, caller, name), headers=_PRIVATE)

    def _find(self, caller: Identity, text: str) -> dict[str, object]:
        found = self._queries.visible(self._queries.informed(caller), text)
        mine = sorted(found, key=lambda group: (group.owner_id != caller.user_id, group.name))
        return {
            "groups": [
                {
                    "name": group.name,
                    "uri": self._queries.naming.uri(group.name),
                    "description": group.description,
                    "owner": group.owner,
                }
                for group in mine[:_MOST_FOUND]
            ],
            "more": len(found) > _MOST_FOUND,
        }

    def _members(self, caller: Identity, name: str) -> dict[str, object]:
        try:
            view = self._queries.get(caller, name)
        except NoSuchGroupError as error:
            raise NodeNotFound(str(error)) from error
        except AdministrationError as error:
            raise InvalidArgument(str(error)) from error
        return {"group": view.uri, "members": [_described(m) for m in view.group.members]}


_PRIVATE: Final = {"cache-control": "private, no-store"}


def _described(member: Member) -> dict[str, object]:
    return {
        "kind": member.kind.value,
        "value": member.value,
        "expires": None if member.expires is None else member.expires.isoformat(),
    }


def _known(request: Request) -> Identity:
    caller = caller_of(request)
    if not isinstance(caller, Identity):
        raise NotAuthenticated("log in to see groups")
    require_whole_reach(caller, "look at groups")
    return caller
