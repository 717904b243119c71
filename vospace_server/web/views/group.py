"""One group: what it is, who may look into it, where it is used, what was done to it."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import PermissionDenied
from vospace_server.domain.group import GroupChange, MemberKind
from vospace_server.domain.group_access import is_public, readers_of
from vospace_server.domain.identity import Identity
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.services.group_queries import GroupQueries, GroupView
from vospace_server.services.groups import GroupService
from vospace_server.services.invitations import InvitationService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt, call
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import PageRoute, path_value, posting

_PAGE: Final = 100
_ROOT: Final = f"{addresses.GROUPS}/show/{{group}}"


class GroupPages:
    """`/groups/show/{group}` and what is read and changed of a group itself."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        groups: GroupService,
        queries: GroupQueries,
        invitations: InvitationService,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._groups = groups
        self._queries = queries
        self._invitations = invitations

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        change = posting(self.change, self._cookies, again=self.show_change)
        edit = {"GET": self.ask_for_change, "POST": change}
        delete = {"GET": self.ask_to_delete, "POST": posting(self.delete, self._cookies)}
        return [
            PageRoute(_ROOT, {"GET": self.show}),
            PageRoute(f"{_ROOT}/edit", edit),
            PageRoute(f"{_ROOT}/delete", delete),
            PageRoute(f"{_ROOT}/use", {"GET": self.use}),
            PageRoute(f"{_ROOT}/history", {"GET": self.history}),
        ]

    async def show(self, request: Request) -> Response:
        """The group with its members."""
        return await self.show_with(request, Form())

    async def show_with(self, request: Request, form: Form, **context: Any) -> Response:
        """The group, with a form on its page as it was sent."""
        viewer, name = viewer_of(request), path_value(request, "group")
        view, invitations = await call(self._look, viewer, name)
        return self._pages.show_form(
            request,
            "groups/show.html",
            form,
            tab="members",
            invitations=invitations,
            **described(view),
            **{"secret": "", **context},
        )

    async def ask_for_change(self, request: Request) -> Response:
        """The form with what the group is now."""
        view = await self._changeable(request)
        form = Form.filled(
            description=view.group.description,
            readers="\n".join(readers_of(view.group)),
            **({"public": "yes"} if is_public(view.group) else {}),
        )
        return self._show_edit(request, form, view)

    async def show_change(self, request: Request, form: Form) -> Response:
        """The form with what is in it."""
        return self._show_edit(request, form, await self._changeable(request))

    async def change(self, request: Request, form: Form) -> Response:
        """Description, and who may look into it."""
        view = await self._changeable(request)
        viewer, name = viewer_of(request), view.group.name
        change = GroupChange(description=form.exact("description").strip())
        await attempt(form, "description", self._groups.change, name, change, by=viewer)
        if form.is_valid:
            await attempt(
                form,
                "readers",
                self._groups.set_access,
                name,
                public=form.has("public"),
                readers=form.get("readers").split(),
                by=viewer,
            )
        if not form.is_valid:
            return self._show_edit(request, form, view)
        say = self._pages.language_of(request).say
        return self._pages.go(addresses.group(name), Notice(text=say("The group is changed.")))

    async def ask_to_delete(self, request: Request) -> Response:
        """What deleting means."""
        view = await self._view(request)
        if not view.deletable:
            raise PermissionDenied("only the owner deletes a group")
        return self._pages.show_form(
            request, "groups/delete.html", Form(), tab="members", **described(view)
        )

    async def delete(self, request: Request, form: Form) -> Response:
        """The end of the group, for whoever types its name."""
        view = await self._view(request)
        name = view.group.name
        if form.get("confirm") != name:
            form.refuse("confirm", "Type the name of the group to say that you mean it.")
            return self._pages.show_form(
                request, "groups/delete.html", form, tab="members", **described(view)
            )
        await call(self._groups.delete, name, by=viewer_of(request))
        say = self._pages.language_of(request).say
        notice = Notice(text=say("The group {name} is deleted.", name=name))
        return self._pages.go(addresses.GROUPS, notice)

    async def use(self, request: Request) -> Response:
        """Which nodes grant the group what."""
        viewer, name = viewer_of(request), path_value(request, "group")
        view = await call(self._queries.get, viewer, name)
        after = _number(request, "after")
        uses = await call(self._queries.where_used, viewer, name, after=after or 0, limit=_PAGE)
        return self._pages.show(
            request, "groups/use.html", tab="use", uses=uses, **described(view)
        )

    async def history(self, request: Request) -> Response:
        """Who changed the group when."""
        viewer, name = viewer_of(request), path_value(request, "group")
        view = await call(self._queries.get, viewer, name)
        entries = await call(
            self._queries.history, viewer, name, before=_number(request, "before"), limit=_PAGE
        )
        return self._pages.show(
            request,
            "groups/history.html",
            tab="history",
            entries=entries,
            more=len(entries) == _PAGE,
            **described(view),
        )

    def _look(self, viewer: Identity, name: str) -> tuple[GroupView, list[Any]]:
        view = self._queries.get(viewer, name)
        if not view.changeable:
            return view, []
        return view, self._invitations.open_of(name, by=viewer)

    async def _view(self, request: Request) -> GroupView:
        return await call(self._queries.get, viewer_of(request), path_value(request, "group"))

    async def _changeable(self, request: Request) -> GroupView:
        view = await self._view(request)
        if not view.changeable:
            raise PermissionDenied("only the owner and administrators change a group")
        return view

    def _show_edit(self, request: Request, form: Form, view: GroupView) -> Response:
        return self._pages.show_form(
            request, "groups/edit.html", form, tab="members", **described(view)
        )


def described(view: GroupView) -> dict[str, Any]:
    """What the templates of a group say about it."""
    group = view.group
    return {
        "view": view,
        "group": group,
        "kinds": MemberKind,
        "public": is_public(group),
        "readers": readers_of(group),
        "writers": [each.value for each in group.admins if each.kind is MemberKind.GROUP],
    }


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits
