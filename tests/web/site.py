"""A server with people who are made at once, beside it, in its own database."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import httpx

from tests.support.space import SpaceServer
from vospace_model.nodes import NodeType, NodeUpdate
from vospace_model.properties import Core, SetProperty
from vospace_model.uris import NodePath, VosUri
from vospace_server.auth.passwords import Passwords
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.allocations import AllocationService
from vospace_server.services.groups import GroupService
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.nodes import NodeService
from vospace_server.services.sessions import SessionService
from vospace_server.services.tree import Tree

PASSWORD = "correct horse battery"
_HASH = Passwords(concurrent_checks=1).hash(PASSWORD)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Person:
    """An account of a test's own; all have the same password."""

    user_id: int
    name: str
    is_admin: bool = False

    @property
    def identity(self) -> Identity:
        """The person, as services know them."""
        return Identity(
            user_id=self.user_id,
            name=self.name,
            groups=frozenset(),
            is_admin=self.is_admin,
            scope=TokenScope.ADMIN,
        )


@dataclass(frozen=True, kw_only=True)
class WebSite:
    """The server, and its services for what a test needs before it begins."""

    server: SpaceServer
    database: Database
    accounts: AccountService
    groups: GroupService
    sessions: SessionService
    allocations: AllocationService
    nodes: NodeService
    jobs: JobService

    @property
    def url(self) -> str:
        """The address of the first page, without a slash at its end."""
        return self.server.root_url

    def new_person(self, name: str, *, is_admin: bool = False) -> Person:
        """An account whose name begins so."""
        unique = f"{name}-{secrets.token_hex(3)}"
        new = NewUser(name=unique, password=PASSWORD, is_admin=is_admin)
        user = self.accounts.add(new, by=OPERATOR)
        return Person(user_id=user.user_id, name=user.name, is_admin=is_admin)

    def new_cookie(self, person: Person) -> str:
        """The cookie of a new session of theirs."""
        return self.sessions.begin(person.identity)

    def new_group(self, owner: Person, name: str = "group", *, description: str = "") -> str:
        """The name of a new group of theirs that begins so."""
        unique = f"{name}-{secrets.token_hex(3)}"
        self.groups.add(unique, owner=owner.name, description=description, by=OPERATOR)
        return unique

    def new_token(self, person: Person) -> str:
        """A token of theirs that may do whatever they may."""
        return self.accounts.make_token(
            person.name, scope=TokenScope.ADMIN, lifetime=None, label="test", by=OPERATOR
        )

    def allocate(self, path: str, owner: Person, *, quota_bytes: int = 1 << 30) -> None:
        """An allocation of theirs."""
        self.allocations.add(
            OPERATOR,
            NodePath.parse(f"/{path}"),
            owner_id=owner.user_id,
            quota_bytes=quota_bytes,
        )

    def grant(self, path: str, group: str) -> None:
        """Lets a group, and nobody else but the owner, read a folder."""
        changes = {
            Core.GROUPREAD: f"ivo://localhost/gms?{group}",
            Core.ISPUBLIC: "false",
        }
        update = NodeUpdate(
            uri=VosUri("localhost~vault", NodePath.parse(f"/{path}")),
            node_type=NodeType.CONTAINER,
            changes=tuple(SetProperty(uri=key, value=value) for key, value in changes.items()),
        )
        self.nodes.set(OPERATOR, update)

    def new_job(self, owner: Person, path: str) -> str:
        """The id of a job of theirs that has not begun, about a node."""
        request = {"transfer": {"targets": [f"vos://localhost~vault/{path}"]}, "scope": 3}
        new = NewJob(kind=JobKind.TRANSFER, request=json.dumps(request))
        return self.jobs.create(owner.identity, new).job_id


@contextmanager
def open_site(server: SpaceServer, database_url: str) -> Iterator[WebSite]:
    """The site of a server that runs; its database is opened a second time."""
    database = Database(database_url)
    naming = GroupNaming(service_id="ivo://localhost/gms")
    tree = Tree(database=database, authority="localhost~vault", naming=naming)
    try:
        yield WebSite(
            server=server,
            database=database,
            # One hash for all: hashing is what costs.
            accounts=AccountService(database=database, hash_password=lambda _: _HASH),
            groups=GroupService(database=database, naming=naming),
            sessions=SessionService(
                database=database, idle=timedelta(hours=1), life=timedelta(hours=2)
            ),
            allocations=AllocationService(tree=tree),
            nodes=NodeService(tree=tree),
            jobs=JobService(database=database, wake_runner=lambda: None),
        )
    finally:
        database.close()


def csrf_token(page: httpx.Response) -> str:
    """The token in the forms of a page."""
    found = _TOKEN.search(page.text)
    assert found is not None, f"no form on this page: {page.text[:2000]}"
    return unescape(found[1])
