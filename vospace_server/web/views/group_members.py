"""Members and administrators of a group: one by one, from a list, by invitation."""

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_server.domain.group import GroupRole, MemberKind
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.challenges import base_url
from vospace_server.http.routing import TreeRoute
from vospace_server.services.group_queries import GroupQueries
from vospace_server.services.groups import GroupService, LineReport
from vospace_server.services.invitations import InvitationService
from vospace_server.web import addresses
from vospace_server.web.calls import attempt, call
from vospace_server.web.dates import end_of_day
from vospace_server.web.forms import Form
from vospace_server.web.notices import Notice, Undo
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import FormEndpoint, PageRoute, path_value, posting
from vospace_server.web.views.group import GroupPages, described

_ROOT: Final = f"{addresses.GROUPS}/show/{{group}}"
_DAYS: Final = 14


class GroupMemberPages:
    """What changes who belongs to a group; every form stands on the page of the group."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        groups: GroupService,
        queries: GroupQueries,
        group_pages: GroupPages,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._groups = groups
        self._queries = queries
        self._group_pages = group_pages

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        deeds: dict[str, FormEndpoint] = {
            "members": self.add,
            "members/remove": self.remove,
            "members/expiry": self.set_expiry,
            "admins": self.add_admin,
            "admins/remove": self.remove_admin,
        }
        shown_again = {
            "members": self._group_pages.show_with,
            "admins": self._group_pages.show_with,
        }
        paste = posting(self.add_list, self._cookies, again=self.show_list)
        bulk = {"GET": self.ask_for_list, "POST": paste}
        return [
            *(
                PageRoute(
                    f"{_ROOT}/{deed}",
                    {"POST": posting(endpoint, self._cookies, again=shown_again.get(deed))},
                )
                for deed, endpoint in deeds.items()
            ),
            PageRoute(f"{_ROOT}/bulk", bulk),
        ]

    async def add(self, request: Request, form: Form) -> Response:
        """One more member: a user id, a DN, an e-mail address, or a group."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        text = form.require("member", "Say who: a user id, a DN, an e-mail address or a group.")
        expires = end_of_day(form, "expires")
        if form.is_valid:
            await attempt(
                form,
                "member",
                self._groups.add_member,
                name,
                text,
                expires=expires,
                by=viewer,
            )
        if not form.is_valid:
            return await self._group_pages.show_with(request, form)
        return self._done(request, name, "{who} is a member now.", who=_shown(text))

    async def remove(self, request: Request, form: Form) -> Response:
        """One member less; the notice takes it back, with the end that it had."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        text = form.get("member")
        await call(self._groups.remove_member, name, text, by=viewer)
        fields = {"member": text, "expires": form.get("expires")}
        undo = Undo(action=f"{addresses.group(name)}/members", fields=fields)
        return self._done(
            request, name, "{who} is no member any more.", who=_shown(text), undo=undo
        )

    async def set_expiry(self, request: Request, form: Form) -> Response:
        """When a membership ends; an empty day is never."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        expires = end_of_day(form, "expires")
        if not form.is_valid:
            return self._failed(name, form.errors["expires"], request)
        text = form.get("member")
        await attempt(
            form, "member", self._groups.add_member, name, text, expires=expires, by=viewer
        )
        # The same end as before is no mistake.
        return self._done(request, name, "The membership of {who} is set.", who=_shown(text))

    async def ask_for_list(self, request: Request) -> Response:
        """The form for many members at once."""
        return await self.show_list(request, Form())

    async def show_list(self, request: Request, form: Form) -> Response:
        """The form with what is in it."""
        return await self._show_list(request, form, [])

    async def add_list(self, request: Request, form: Form) -> Response:
        """A line for each member; the page says of each line what came of it."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        lines = form.require("lines", "Paste at least one line.").splitlines()
        expires = end_of_day(form, "expires")
        reports = None
        if form.is_valid:
            reports = await attempt(
                form, "lines", self._groups.add_members, name, lines, expires=expires, by=viewer
            )
        return await self._show_list(request, form, reports or [])

    async def add_admin(self, request: Request, form: Form) -> Response:
        """One more administrator: somebody, or all members of a group."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        text = form.require("admin", "Say who: a user id, a DN, an e-mail address or a group.")
        if form.is_valid:
            await attempt(form, "admin", self._groups.add_admin, name, text, by=viewer)
        if not form.is_valid:
            return await self._group_pages.show_with(request, form)
        return self._done(request, name, "{who} administers the group now.", who=_shown(text))

    async def remove_admin(self, request: Request, form: Form) -> Response:
        """One administrator less."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        text = form.get("admin")
        await call(self._groups.remove_admin, name, text, by=viewer)
        undo = Undo(action=f"{addresses.group(name)}/admins", fields={"admin": text})
        words = "{who} does not administer the group any more."
        if text == f"{MemberKind.USER.value}:{viewer.name}":
            # Whoever leaves can't take it back.
            return self._pages.go(addresses.GROUPS, self._notice(request, words, _shown(text)))
        return self._done(request, name, words, who=_shown(text), undo=undo)

    async def _show_list(
        self, request: Request, form: Form, reports: list[LineReport]
    ) -> Response:
        view = await call(self._queries.get, viewer_of(request), path_value(request, "group"))
        return self._pages.show_form(
            request, "groups/bulk.html", form, tab="members", reports=reports, **described(view)
        )

    def _failed(self, name: str, sentence: str, request: Request) -> Response:
        say = self._pages.language_of(request).say
        return self._pages.go(
            addresses.group(name), Notice(text=say(sentence), is_problem=True)
        )

    def _notice(
        self, request: Request, words: str, who: str, undo: Undo | None = None
    ) -> Notice:
        say = self._pages.language_of(request).say
        return Notice(text=say(words, who=who), undo=undo)

    def _done(
        self, request: Request, name: str, words: str, *, who: str, undo: Undo | None = None
    ) -> Response:
        return self._pages.go(addresses.group(name), self._notice(request, words, who, undo))


class InvitationPages:
    """Invitations: made and withdrawn on the page of a group, answered under `/groups/join`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        invitations: InvitationService,
        group_pages: GroupPages,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._invitations = invitations
        self._group_pages = group_pages

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        invite = posting(self.invite, self._cookies, again=self._group_pages.show_with)
        withdraw = posting(self.withdraw, self._cookies)
        join = {"GET": self.ask, "POST": posting(self.answer, self._cookies)}
        return [
            PageRoute(f"{_ROOT}/invitations", {"POST": invite}),
            PageRoute(f"{_ROOT}/invitations/withdraw", {"POST": withdraw}),
            PageRoute(f"{addresses.GROUPS}/join/{{secret}}", join),
        ]

    async def invite(self, request: Request, form: Form) -> Response:
        """A link, shown this once."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        days = form.get("days") or str(_DAYS)
        if not (days.isascii() and days.isdigit() and len(days) <= 3):  # noqa: PLR2004 - digits
            form.refuse("days", "Write a number of days, from 1 to 90.")
        until = end_of_day(form, "until")
        secret = None
        if form.is_valid:
            secret = await attempt(
                form,
                "days",
                self._invitations.invite,
                name,
                role=GroupRole.ADMIN if form.get("role") == "admin" else GroupRole.MEMBER,
                email=form.get("email"),
                lifetime=timedelta(days=int(days)),
                membership_expires=until,
                by=viewer,
            )
        if secret is None:
            return await self._group_pages.show_with(request, form)
        base = base_url(request.scope, self._cookies.public_url)
        link = f"{base}{addresses.GROUPS}/join/{secret}"
        return await self._group_pages.show_with(
            request, Form(), secret=link, invited=form.get("email")
        )

    async def withdraw(self, request: Request, form: Form) -> Response:
        """The link is no good any more."""
        name, viewer = path_value(request, "group"), viewer_of(request)
        number = form.get("invitation")
        if number.isascii() and number.isdigit():
            await call(self._invitations.withdraw, name, int(number[:18]), by=viewer)
        say = self._pages.language_of(request).say
        notice = Notice(text=say("The invitation is withdrawn."))
        return self._pages.go(addresses.group(name), notice)

    async def ask(self, request: Request) -> Response:
        """Who invites into what."""
        viewer_of(request)
        invitation = await call(self._invitations.look, path_value(request, "secret"))
        return self._pages.show(request, "groups/join.html", invitation=invitation)

    async def answer(self, request: Request, form: Form) -> Response:
        """Accept or decline."""
        viewer, secret = viewer_of(request), path_value(request, "secret")
        say = self._pages.language_of(request).say
        if form.has("decline"):
            await call(self._invitations.decline, secret, by=viewer)
            return self._pages.go(
                addresses.GROUPS, Notice(text=say("You have declined the invitation."))
            )
        invitation = await call(self._invitations.accept, secret, by=viewer)
        name = invitation.group_name
        words = "You are a member of {name} now."
        if invitation.role is GroupRole.ADMIN:
            words = "You administer {name} now."
        return self._pages.go(addresses.group(name), Notice(text=say(words, name=name)))


def _shown(text: str) -> str:
    for kind in MemberKind:
        text = text.removeprefix(f"{kind.value}:")
    return text
