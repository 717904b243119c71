"""Accounts, tokens and allocations for a server under test, made as the command line does."""

from dataclasses import dataclass
from datetime import timedelta

from vospace_model.uris import NodePath
from vospace_server.auth.passwords import Passwords
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.allocations import AllocationService
from vospace_server.services.groups import GroupService
from vospace_server.services.tree import Tree

MIB = 1 << 20
GROUP_URI = "ivo://localhost/gms?readers"


@dataclass(frozen=True, kw_only=True)
class People:
    """Tokens: alice owns /alice, bob is in `readers`, admin may do anything."""

    alice: str
    bob: str
    admin: str


def make_people(config: ServerConfig) -> People:
    """Make the accounts, and allocations for alice: a large one, and /small of 1000 bytes."""
    database = Database(config.database_url)
    database.upgrade()
    naming = GroupNaming(service_id=config.group_service_id)
    accounts = AccountService(
        database=database, hash_password=Passwords(concurrent_checks=1).hash
    )
    tokens = {}
    for name in ("alice", "bob", "admin"):
        accounts.add(NewUser(name=name, is_admin=name == "admin"), by=OPERATOR)
        tokens[name] = accounts.make_token(
            name, scope=TokenScope.ADMIN, lifetime=timedelta(days=1), label="", by=OPERATOR
        )
    groups = GroupService(database=database, naming=naming)
    groups.add("readers", owner="alice", description="", by=OPERATOR)
    groups.add_member("readers", "bob", expires=None, by=OPERATOR)
    allocations = AllocationService(
        tree=Tree(database=database, authority=config.vos_authority, naming=naming)
    )
    alice_id = accounts.get("alice").user_id
    for path, quota_bytes in (("/alice", 4096 * MIB), ("/small", 1000)):
        allocations.add(
            OPERATOR, NodePath.parse(path), owner_id=alice_id, quota_bytes=quota_bytes
        )
    database.close()
    return People(**tokens)
