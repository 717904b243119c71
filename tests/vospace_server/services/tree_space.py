"""A space without HTTP: all services of the tree on one database, and short ways to them."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from vospace_model.faults import Fault
from vospace_model.nodes import ContainerNode, DataNode, LinkNode, NodeType, NodeUpdate
from vospace_model.properties import Property, PropertyChange, RemoveProperty, SetProperty
from vospace_model.uris import NodePath, VosUri
from vospace_server.database.engine import Database
from vospace_server.domain.content import Content, new_content_id
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR, Caller, Identity
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.allocations import AllocationService
from vospace_server.services.deletions import DeletionService
from vospace_server.services.listing import ListingService
from vospace_server.services.moves import MoveService
from vospace_server.services.nodes import NodeService
from vospace_server.services.quota import QuotaService
from vospace_server.services.sizes import SizeService
from vospace_server.services.tree import Tree
from vospace_server.services.uploads import CommittedUpload, UploadedContent, UploadService

AUTHORITY = "localhost~vault"
GROUP = "ivo://localhost/gms?astronomers"
OTHER_GROUP = "ivo://localhost/gms?engineers"


def at(path: str) -> NodePath:
    """The path that this text means."""
    return NodePath.parse(path)


def uri(path: str) -> VosUri:
    """Its URI in the space under test."""
    return VosUri(AUTHORITY, at(path))


def content_of(length: int) -> Content:
    """A new content of that length, as the store would report it."""
    content_id = new_content_id()
    return Content(
        content_id=content_id,
        object_key=content_id,
        length=length,
        md5=hashlib.md5(content_id.encode(), usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(content_id.encode()).hexdigest(),
    )


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        self.now_ns += 1_000_000
        return self.now_ns

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * 1_000_000_000)


class TreeSpace:
    """The services, a clock, and a user alice with an allocation at /alice."""

    def __init__(
        self, url: str, *, strict_links: bool = False, database: Database | None = None
    ) -> None:
        self.database = database or Database(url)
        self.database.upgrade()
        self.clock = Clock()
        self.tree = Tree(
            database=self.database,
            authority=AUTHORITY,
            naming=GroupNaming(
                service_id="ivo://localhost/gms", aliases=["ivo://cadc.nrc.ca/gms"]
            ),
            strict_links=strict_links,
            clock=self.clock,
        )
        self.nodes = NodeService(tree=self.tree)
        self.listing = ListingService(tree=self.tree)
        self.moves = MoveService(tree=self.tree)
        self.deletions = DeletionService(tree=self.tree)
        self.sizes = SizeService(database=self.database)
        self.quota = QuotaService(database=self.database)
        self.uploads = UploadService(tree=self.tree, quota=self.quota)
        self.allocations = AllocationService(tree=self.tree)
        self.alice = self.user("alice")
        self.allocate("/alice", self.alice, quota_bytes=1_000_000)

    def user(
        self,
        name: str,
        *,
        groups: Iterable[str] = (),
        is_admin: bool = False,
        scope: TokenScope = TokenScope.ADMIN,
    ) -> Identity:
        """A new account, logged in."""
        with self.database.write() as unit:
            user_id = unit.users.add(
                name=name,
                password_hash=None,
                is_admin=is_admin,
                email=None,
                created=datetime.now(UTC),
            )
        return Identity(
            user_id=user_id, name=name, groups=frozenset(groups), is_admin=is_admin, scope=scope
        )

    def allocate(
        self, path: str, owner: Identity, *, quota_bytes: int | None, files: int | None = None
    ) -> int:
        """An allocation made by the operator; returns its number."""
        made = self.allocations.add(
            OPERATOR,
            at(path),
            owner_id=owner.user_id,
            quota_bytes=quota_bytes,
            quota_files=files,
        )
        return made.allocation_id

    def mkdir(self, path: str, caller: Caller | None = None, **properties: str) -> NodeView:
        """Make a container; keywords are names of core properties."""
        node = ContainerNode(uri=uri(path), properties=_core(properties))
        return self.nodes.create(caller or self.alice, node)

    def touch(self, path: str, caller: Caller | None = None, **properties: str) -> NodeView:
        """Make a data node without bytes."""
        node = DataNode(uri=uri(path), properties=_core(properties))
        return self.nodes.create(caller or self.alice, node)

    def link(self, path: str, target: str, caller: Caller | None = None) -> NodeView:
        """Make a link; a target that begins with a slash is a path of this space."""
        whole = str(uri(target)) if target.startswith("/") else target
        return self.nodes.create(caller or self.alice, LinkNode(uri=uri(path), target=whole))

    def put(self, path: str, length: int, caller: Caller | None = None) -> CommittedUpload:
        """Upload so many bytes."""
        ticket = self.uploads.begin_upload(
            caller or self.alice, at(path), declared_length=length
        )
        try:
            return self.uploads.commit_upload(
                ticket, UploadedContent(content=content_of(length))
            )
        except Fault:
            self.uploads.abandon_upload(ticket)
            raise

    def get(self, path: str, caller: Caller | None = None) -> NodeView:
        """The node at a path."""
        return self.nodes.get(caller or self.alice, at(path))

    def set(
        self,
        path: str,
        changes: dict[str, str | None],
        caller: Caller | None = None,
        *,
        node_type: NodeType | None = None,
    ) -> NodeView:
        """Change properties given by their URIs; None removes."""
        update = NodeUpdate(
            uri=uri(path),
            node_type=node_type or self.get(path, OPERATOR).record.kind,
            changes=tuple(_change(key, value) for key, value in changes.items()),
        )
        return self.nodes.set(caller or self.alice, update)

    def names(self, path: str, caller: Caller | None = None) -> list[str]:
        """The names of all children, as listed."""
        listing = self.listing.children(caller or self.alice, at(path))
        return [child.record.name for child in listing.children]

    def used(self, allocation_id: int = 1) -> tuple[int, int]:
        """Bytes and files that the allocation is charged with."""
        usage = self.allocations.usage(allocation_id)
        assert usage is not None
        return usage.used_bytes, usage.used_files

    def collect(self) -> None:
        """Remove everything that is left of deleted trees."""
        while self.deletions.collect_once():
            pass

    def orphans(self) -> list[str]:
        """Names of nodes whose container does not exist."""
        with self.database.read() as unit:
            return [record.name for record in unit.nodes.orphans(limit=100)]

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _core(properties: dict[str, str]) -> tuple[Property, ...]:
    return tuple(
        Property(uri=f"ivo://ivoa.net/vospace/core#{name}", value=value)
        for name, value in properties.items()
    )


def _change(key: str, value: str | None) -> PropertyChange:
    return RemoveProperty(uri=key) if value is None else SetProperty(uri=key, value=value)
