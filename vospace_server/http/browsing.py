"""/api/v1 for the storage pages: folders at a glance, details, access, links, the trash.

The answers are plain JSON; what they promise stands with each endpoint. The same services and
the same `authorize()` as every other door.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.api import decode_json
from vospace_model.faults import InvalidArgument, NotAuthenticated
from vospace_model.json_values import JsonObject, JsonReader
from vospace_model.nodes import ContainerNode, LinkNode, Node
from vospace_model.uris import NodePath, VosUri
from vospace_server.domain.access import Verdict
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.node_view import properties_of
from vospace_server.http.authentication import caller_of
from vospace_server.http.node_documents import entry_of
from vospace_server.http.parameters import query_parameters
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import empty, json_document
from vospace_server.http.routing import ExactRoute, TreeRoute, rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.browsing import AccessReport, BrowsingService, LinkState
from vospace_server.services.nodes import NodeService
from vospace_server.services.reading import ReadingService
from vospace_server.services.trash import Receipt, TrashService
from vospace_server.services.tree import Tree

FOLDER_PATH: Final = "/api/v1/folder"
DETAILS_PATH: Final = "/api/v1/details"
ACCESS_PATH: Final = "/api/v1/access"
TRASH_PATH: Final = "/api/v1/trash"

# A bookmark is opened by a click: nothing that a browser would run.
BOOKMARK_SCHEMES: Final = ("https", "http", "ftp", "vos")
_MAX_DOCUMENT_BYTES: Final = 64 * 1024


class BrowsingEndpoints:
    """What the storage browser asks for and does, beyond what mounts need (http/api.py)."""

    def __init__(
        self,
        *,
        tree: Tree,
        nodes: NodeService,
        browsing: BrowsingService,
        reading: ReadingService,
        trash: TrashService,
    ) -> None:
        self._tree = tree
        self._nodes = nodes
        self._browsing = browsing
        self._reading = reading
        self._trash = trash

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            TreeRoute(FOLDER_PATH, {"GET": self.get_folder}),
            TreeRoute(
                DETAILS_PATH,
                {"GET": self.get_details, "PUT": self.create, "DELETE": self.discard},
            ),
            TreeRoute(ACCESS_PATH, {"GET": self.explain}),
            ExactRoute(TRASH_PATH, {"GET": self.list_trash, "POST": self.restore}),
        ]

    async def get_folder(self, request: Request) -> Response:
        """A container, links followed: where it is, how many children, and the room left."""
        return json_document(
            await in_thread(self._folder, caller_of(request), _path_of(request))
        )

    async def get_details(self, request: Request) -> Response:
        """A node with all its properties and digests; a link also with where it leads."""
        return json_document(
            await in_thread(self._details, caller_of(request), _path_of(request))
        )

    async def create(self, request: Request) -> Response:
        """Make a container or a link: `{"type": "container"}`, `{"type": "link", "target"}`.

        A target in this service must be there and reachable; other targets must be of a scheme
        that may be opened by a click.
        """
        read = JsonReader(decode_json(await read_document(request, _MAX_DOCUMENT_BYTES)))
        path = _path_of(request)
        kind, target = read.text("type"), read.optional_text("target")
        made = await in_thread(self._create, caller_of(request), path, kind, target)
        return json_document(made, status=201)

    async def discard(self, request: Request) -> Response:
        """Delete a node and what is below it so that it can be put back for a day."""
        caller = _person(caller_of(request), "delete something")
        receipt = await in_thread(self._trash.discard, caller, _path_of(request))
        return json_document(_receipt(receipt))

    async def list_trash(self, request: Request) -> Response:
        """What the caller has deleted and can put back."""
        caller = _person(caller_of(request), "see what you have deleted")
        kept = await in_thread(self._trash.kept, caller)
        return json_document({"kept": [_receipt(each) for each in kept]})

    async def restore(self, request: Request) -> Response:
        """Put back what `{"id": N}` was given out for; with `"purge": true` let it go."""
        caller = _person(caller_of(request), "put something back")
        read = JsonReader(decode_json(await read_document(request, _MAX_DOCUMENT_BYTES)))
        node_id = read.integer("id")
        if read.optional_boolean("purge"):
            await in_thread(self._trash.purge, caller, node_id)
            return empty(204)
        view = await in_thread(self._trash.restore, caller, node_id)
        return json_document({"entry": entry_of(view).to_json(), "path": str(view.path)})

    async def explain(self, request: Request) -> Response:
        """What the caller, or `user`, may do to a node and by which rule; '' for anybody."""
        subject = query_parameters(request).get("user")
        report = await in_thread(
            self._browsing.explain, caller_of(request), _path_of(request), subject=subject
        )
        return json_document(_report(report))

    def _folder(self, caller: Caller, path: NodePath) -> JsonObject:
        view = self._browsing.follow(caller, path)
        if not view.record.is_container:
            raise InvalidArgument(f"{path} is not a folder")
        folder = self._browsing.folder(caller, view.path, limit=0)
        allocation = folder.allocation
        quota: JsonObject | None = None
        if allocation is not None:
            usage = allocation.usage
            quota = {
                "allocation": str(allocation.path),
                "owner": allocation.owner_name,
                "quota": usage.quota_bytes,
                "used": usage.used_bytes,
                "available": usage.available_bytes,
                "files": usage.used_files,
                "available_files": usage.available_files,
                "warning": usage.warning_percent,
            }
        return {
            "entry": entry_of(folder.container).to_json(),
            "path": str(folder.container.path),
            "uri": str(self._tree.uri(folder.container.path)),
            "count": folder.count,
            "quota": quota,
        }

    def _details(self, caller: Caller, path: NodePath) -> JsonObject:
        view = self._nodes.get(caller, path)
        document: JsonObject = {
            "entry": entry_of(view).to_json(),
            "path": str(view.path),
            "uri": str(self._tree.uri(view.path)),
            "busy": view.busy,
            "properties": [
                {"uri": each.uri, "value": each.value, "read_only": bool(each.read_only)}
                for each in properties_of(view)
            ],
        }
        if view.record.content_id is not None:
            content = self._reading.describe(caller, view.path).content
            document["sha256"] = None if content is None else content.sha256
        state = self._browsing.link_state(caller, view)
        if state is not None:
            document["link"] = _link(state)
        return document

    def _create(
        self, caller: Caller, path: NodePath, kind: str, target: str | None
    ) -> JsonObject:
        uri = self._tree.uri(path)
        node: Node
        if kind == "container":
            node = ContainerNode(uri=uri)
        elif kind == "link":
            node = LinkNode(uri=uri, target=self._target(caller, target or ""))
        else:
            raise InvalidArgument("the type is container or link; files are uploaded")
        view = self._nodes.create(caller, node)
        return {"entry": entry_of(view).to_json(), "path": str(view.path)}

    def _target(self, caller: Caller, target: str) -> str:
        scheme, colon, rest = target.partition(":")
        if not colon or scheme.lower() not in BOOKMARK_SCHEMES or not rest.startswith("//"):
            known = ", ".join(f"{each}://" for each in BOOKMARK_SCHEMES)
            raise InvalidArgument(f"a link begins with one of {known}")
        if scheme.lower() == "vos":
            uri = VosUri.parse(target)
            if self._tree.is_own(uri):
                self._nodes.get(caller, uri.path)
        return target


def _path_of(request: Request) -> NodePath:
    return NodePath.from_raw(rest_of_path(request))


def _person(caller: Caller, deed: str) -> Identity:
    if not isinstance(caller, Identity):
        raise NotAuthenticated(f"log in to {deed}")
    return caller


def _receipt(receipt: Receipt) -> JsonObject:
    return {
        "id": receipt.node_id,
        "name": receipt.name,
        "type": receipt.node.kind.value,
        "path": None if receipt.path is None else str(receipt.path),
        "deleted_ns": receipt.deleted_ns,
        "kept_until_ns": receipt.kept_until_ns,
        "length": receipt.size_bytes,
        "files": receipt.files,
    }


def _link(state: LinkState) -> JsonObject:
    if state.problem:
        return {"state": "broken", "problem": state.problem}
    if state.view is None:
        return {"state": "outside"}
    return {
        "state": "good",
        "path": str(state.view.path),
        "type": state.view.record.kind.value,
    }


def _report(report: AccessReport) -> JsonObject:
    return {
        "path": str(report.path),
        "landlord": report.landlord,
        "verdicts": {
            action.name.lower(): _verdict(verdict)
            for action, verdict in report.verdicts.items()
        },
        "steps": [
            {
                "name": step.record.name,
                "owner": step.record.owner_name,
                "public": step.record.public,
                "locked": step.record.locked,
                "read_groups": list(step.record.read_groups),
                "write_groups": list(step.record.write_groups),
                "passes": step.passes,
            }
            for step in report.steps
        ],
    }


def _verdict(verdict: Verdict) -> JsonObject:
    return {
        "allowed": verdict.allowed,
        "rule": verdict.rule.name.lower(),
        "because": verdict.reason,
        "subject": verdict.subject,
    }
