"""Lists of groups: mine, those that I administer or am in, all that I may see; a new one."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_server.domain.group import GroupRole
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.services.group_queries import GroupQueries
from vospace_server.services.groups import GroupService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt, call
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import PageRoute, posting

# A search shows so many; who wants others types more.
MOST_FOUND: Final = 200


class GroupListPages:
    """`/groups`, `/groups/administered`, `/groups/joined`, `/groups/find`, `/groups/new`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        groups: GroupService,
        queries: GroupQueries,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._groups = groups
        self._queries = queries

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        root = addresses.GROUPS
        new = {
            "GET": self.ask_for_new,
            "POST": posting(self.make, self._cookies, again=self.show_new),
        }
        return [
            PageRoute(root, {"GET": self.mine}),
            PageRoute(f"{root}/administered", {"GET": self.administered}),
            PageRoute(f"{root}/joined", {"GET": self.joined}),
            PageRoute(f"{root}/find", {"GET": self.find}),
            PageRoute(f"{root}/help", {"GET": self.help}),
            PageRoute(f"{root}/new", new),
        ]

    async def mine(self, request: Request) -> Response:
        """The groups of the viewer's own."""
        return await self._list(request, "mine", GroupRole.OWNER)

    async def administered(self, request: Request) -> Response:
        """The groups that the viewer may change for others."""
        return await self._list(request, "administered", GroupRole.ADMIN)

    async def joined(self, request: Request) -> Response:
        """The groups that the viewer belongs to."""
        return await self._list(request, "joined", GroupRole.MEMBER)

    async def find(self, request: Request) -> Response:
        """All that the viewer may look into, or those with a text in name or description."""
        viewer = await call(self._queries.informed, viewer_of(request))
        text = request.query_params.get("text", "").strip()
        found = await call(self._queries.visible, viewer, text)
        return self._pages.show(
            request,
            "groups/list.html",
            tab="find",
            text=text,
            groups=found[:MOST_FOUND],
            more=max(0, len(found) - MOST_FOUND),
        )

    async def help(self, request: Request) -> Response:
        """What groups are for, in a page."""
        viewer_of(request)
        return self._pages.show(request, "groups/help.html", tab="help")

    async def ask_for_new(self, request: Request) -> Response:
        """The empty form."""
        return await self.show_new(request, Form())

    async def show_new(self, request: Request, form: Form) -> Response:
        """The form with what is in it."""
        viewer_of(request)
        return self._pages.show_form(request, "groups/new.html", form, tab="new")

    async def make(self, request: Request, form: Form) -> Response:
        """A new group of the viewer's."""
        viewer = viewer_of(request)
        name = form.require("name", "Give the group a name.")
        if form.is_valid:
            await attempt(
                form,
                "name",
                self._groups.add,
                name,
                owner=viewer.name,
                description=form.get("description"),
                by=viewer,
            )
        if not form.is_valid:
            return await self.show_new(request, form)
        say = self._pages.language_of(request).say
        notice = Notice(text=say("The group {name} is there. Add its members.", name=name))
        return self._pages.go(addresses.group(name), notice)

    async def _list(self, request: Request, tab: str, role: GroupRole) -> Response:
        viewer = viewer_of(request)
        if role is not GroupRole.OWNER:
            viewer = await call(self._queries.informed, viewer)
        groups = await call(self._queries.with_role, viewer, role)
        return self._pages.show(
            request, "groups/list.html", tab=tab, text="", groups=groups, more=0
        )
