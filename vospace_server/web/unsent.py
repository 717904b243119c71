"""Forms of people who were not logged in (any more) when they sent them.

What was typed travels in the form of the login, and comes back in its own form, to be looked
at and sent once more by hand: what the form does is never done by the login. Passwords are not
taken along. Only forms that a page of ours has sent are kept, so nobody else fills them in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from vospace_model.faults import Fault
from vospace_server.http.routing import TreeRoute
from vospace_server.web.addresses import local_target
from vospace_server.web.forms import CSRF_FIELD, Form
from vospace_server.web.routing import Posting

ACTION_FIELD: Final = "unsent-action"
FIELD_PREFIX: Final = "unsent:"
# The form of the login has to fit into what a form may have.
_MOST_BYTES: Final = 56 * 1024
_LEFT_OUT: Final = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """What was typed, and the path that it was meant for."""

    action: str
    fields: tuple[tuple[str, str], ...]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields of a login that takes it along."""
        named = [(f"{FIELD_PREFIX}{name}", value) for name, value in self.fields]
        return [(ACTION_FIELD, self.action), *named]


def unsent_of(scope: Scope) -> Unsent | None:
    """The form of a request that was refused, if it can be shown again and is no novel."""
    form = Posting.refused_form(scope)
    if form is None:
        return None
    fields = tuple(
        (name, value)
        for name, value in form.pairs
        if name != CSRF_FIELD and _LEFT_OUT not in name.lower()
    )
    action = scope["raw_path"].decode("ascii", "replace")
    unsent = Unsent(action=local_target(action), fields=fields)
    return unsent if len(urlencode(unsent.hidden)) <= _MOST_BYTES else None


def read_unsent(form: Form) -> Unsent | None:
    """What a login takes along."""
    if not form.has(ACTION_FIELD):
        return None
    fields = tuple(
        (name.removeprefix(FIELD_PREFIX), value)
        for name, value in form.pairs
        if name.startswith(FIELD_PREFIX)
    )
    return Unsent(action=local_target(form.get(ACTION_FIELD)), fields=fields)


class UnsentForms:
    """Shows forms again, those of routes that know how."""

    def __init__(self, routes: Iterable[TreeRoute]) -> None:
        self._routes = tuple(routes)

    async def show(self, unsent: Unsent, scope: Scope) -> Response | None:
        """The page of a form, filled in, for whoever a request is from now.

        None when there is no such page, or none for them.
        """
        meant = {
            **scope,
            "path": unsent.action,
            "raw_path": unsent.action.encode("ascii"),
            "query_string": b"",
        }
        for route in self._routes:
            match, found = route.matches(meant)
            posting = route.endpoints.get("POST")
            if match is not Match.FULL or not isinstance(posting, Posting):
                continue
            try:
                return await posting.show_again(
                    Request({**meant, **found}), Form(unsent.fields)
                )
            except Fault:
                return None
        return None
