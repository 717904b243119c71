"""The storage browser: folders as pages, which a module takes over where there is script."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import Fault, InvalidArgument, NodeNotFound
from vospace_model.timestamps import moment_of
from vospace_model.uris import NodePath
from vospace_server.domain.allocation import Allocation
from vospace_server.domain.identity import Identity
from vospace_server.domain.node_record import SortKey
from vospace_server.domain.node_view import NodeView
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.parameters import query_parameters
from vospace_server.http.routing import TreeRoute, rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.browsing import BrowsingService, Folder
from vospace_server.services.listing import Ordering
from vospace_server.services.trash import TrashService
from vospace_server.web import addresses
from vospace_server.web.forms import Form
from vospace_server.web.headers import STORAGE_POLICY
from vospace_server.web.notices import Notice
from vospace_server.web.pages import Pages, viewer_of
from vospace_server.web.routing import PageRoute, posting

LIST: Final = f"{addresses.STORAGE}/list"
TRASH: Final = f"{addresses.STORAGE}/trash"
# A page without script is so long, with script it is the first glance.
PAGE_ROWS: Final = 30
SORTS: Final = {"name": SortKey.NAME, "size": SortKey.LENGTH, "date": SortKey.DATE}
_SHOWN_GROUPS: Final = 1


class StoragePages:
    """`/storage/list/PATH` and `/storage/trash`."""

    def __init__(
        self,
        *,
        pages: Pages,
        cookies: SessionCookies,
        browsing: BrowsingService,
        trash: TrashService,
        addresses_of_service: Addresses,
        authority: str,
    ) -> None:
        self._pages = pages
        self._cookies = cookies
        self._browsing = browsing
        self._trash = trash
        self._service = addresses_of_service
        self._authority = authority

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            TreeRoute(LIST, {"GET": self.show_folder}),
            PageRoute(addresses.STORAGE, {"GET": self.enter}),
            PageRoute(
                TRASH,
                {"GET": self.show_trash, "POST": posting(self.put_back, self._cookies)},
            ),
        ]

    async def enter(self, _request: Request) -> Response:
        """Straight on to the root."""
        return self._pages.go(f"{LIST}/")

    async def show_folder(self, request: Request) -> Response:
        """A folder; a file is shown in its folder, a link where it leads."""
        path = NodePath.from_raw(rest_of_path(request))
        caller = caller_of(request)
        view = await in_thread(self._browsing.follow, caller, path)
        if not view.record.is_container:
            opened = urlencode({"open": view.path.name})
            return self._pages.go(f"{list_address(view.path.parent)}?{opened}")
        if view.path != path:
            return self._pages.go(list_address(view.path))
        sort, descending = _sorting(request)
        folder = await in_thread(
            self._browsing.folder,
            caller,
            path,
            start=query_parameters(request).get("start"),
            limit=PAGE_ROWS,
            ordering=Ordering(key=SORTS[sort], descending=descending),
        )
        return self._pages.show(
            request,
            "storage.html",
            headers={"content-security-policy": STORAGE_POLICY},
            folder=folder,
            path=path,
            crumbs=_crumbs(path),
            rows=[_row(child, self._service) for child in folder.children],
            sort=sort,
            descending=descending,
            # The place of the details is kept free from the start: nothing moves later.
            opens=bool(query_parameters(request).all("open")),
            next=_next_page(path, folder, sort, descending=descending),
            started=query_parameters(request).get("start") is not None,
            quota=_quota(folder.allocation),
            service=self._service,
            authority=self._authority,
            list_address=list_address,
            moment_of=moment_of,
        )

    async def show_trash(self, request: Request) -> Response:
        """What whoever looks has deleted, with a button to put it back."""
        kept = await in_thread(self._trash.kept, viewer_of(request))
        return self._pages.show(request, "trash.html", kept=kept, moment_of=moment_of)

    async def put_back(self, request: Request, form: Form) -> Response:
        """Put one back, or let it go for good."""
        viewer = viewer_of(request)
        say = self._pages.language_of(request).say
        node_id = form.get("id")
        if not node_id.isascii() or not node_id.isdigit():
            raise InvalidArgument("the form does not say what to put back")
        purge = form.has("purge")
        try:
            name = await in_thread(self._end, viewer, int(node_id), purge=purge)
        except Fault as fault:
            return self._pages.go(TRASH, Notice(text=fault.detail, is_problem=True))
        if purge:
            return self._pages.go(
                TRASH, Notice(text=say("{name} is gone for good.", name=name))
            )
        return self._pages.go(
            TRASH, Notice(text=say("{name} is back where it was.", name=name))
        )

    def _end(self, viewer: Identity, node_id: int, *, purge: bool) -> str:
        """Put back or let go; the name of what it was."""
        kept = {each.node_id: each for each in self._trash.kept(viewer)}
        if node_id not in kept:
            raise NodeNotFound("it is not in the trash any more")
        if purge:
            self._trash.purge(viewer, node_id)
        else:
            self._trash.restore(viewer, node_id)
        return kept[node_id].name


def list_address(path: NodePath) -> str:
    """The page of a folder."""
    return f"{LIST}{path.quoted()}" if not path.is_root else f"{LIST}/"


def _crumbs(path: NodePath) -> list[tuple[str, str]]:
    """Every folder on the way, by name; the root has none."""
    above = [NodePath(path.names[:depth]) for depth in range(len(path) + 1)]
    return [(each.name, list_address(each)) for each in above]


def _sorting(request: Request) -> tuple[str, bool]:
    parameters = query_parameters(request)
    sort = parameters.get("sort") or "name"
    return sort if sort in SORTS else "name", parameters.get("order") == "desc"


def _next_page(path: NodePath, folder: Folder, sort: str, *, descending: bool) -> str | None:
    if folder.next_start is None:
        return None
    query = {"start": folder.next_start}
    if sort != "name":
        query["sort"] = sort
    if descending:
        query["order"] = "desc"
    return f"{list_address(path)}?{urlencode(query)}"


def _row(view: NodeView, service: Addresses) -> dict[str, object]:
    record = view.record
    goes = list_address(view.path)
    if record.has_bytes:
        goes = f"{service.files}{view.path.quoted()}"
    return {
        "view": view,
        "record": record,
        "address": goes,
        "access": access_words(record.public, record.read_groups, record.write_groups),
    }


def access_words(
    public: bool,  # noqa: FBT001 - one of three of a kind
    read_groups: Sequence[str],
    write_groups: Sequence[str],
) -> tuple[str, str]:
    """The icon and the name of who has access, at a glance; the name may be empty."""
    if public:
        return "globe", ""
    groups = [*write_groups, *read_groups]
    if groups:
        names = [group.rpartition("?")[2] or group for group in groups]
        more = len(names) - _SHOWN_GROUPS
        shown = ", ".join(names[:_SHOWN_GROUPS])
        return "group", f"{shown} +{more}" if more > 0 else shown
    return "lock", ""


def _quota(allocation: Allocation | None) -> dict[str, object] | None:
    if allocation is None or allocation.usage.quota_bytes is None:
        return None
    usage = allocation.usage
    return {
        "usage": usage,
        "warning": usage.warning_percent,
        "path": allocation.path,
        "permille": min(1000, usage.used_bytes * 1000 // max(1, usage.quota_bytes or 1)),
    }
