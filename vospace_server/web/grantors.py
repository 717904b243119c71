"""From an address that was refused to whoever can grant access to what is there."""

from collections.abc import Callable
from typing import Final

from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath
from vospace_server.domain.identity import Caller, Identity
from vospace_server.services.grantors import GrantorService
from vospace_server.web.addresses import GROUPS, STORAGE

_GROUP: Final = f"{GROUPS}/show/".encode("ascii")


def grantor_of(
    grantors: GrantorService, node_prefixes: tuple[str, ...]
) -> Callable[[Caller, bytes], str | None]:
    """What tells the name; `node_prefixes` are addresses below which paths of nodes stand."""
    prefixes = tuple(f"{prefix}/".encode("ascii") for prefix in (*node_prefixes, _LIST))

    def find(caller: Caller, raw_path: bytes) -> str | None:
        if not isinstance(caller, Identity):
            return None
        if raw_path.startswith(_GROUP):
            name = raw_path.removeprefix(_GROUP).partition(b"/")[0]
            return grantors.of_group(name.decode("ascii", "replace"))
        for prefix in prefixes:
            if raw_path.startswith(prefix):
                return _of_node(caller, raw_path[len(prefix) - 1 :])
        return None

    def _of_node(caller: Identity, raw: bytes) -> str | None:
        try:
            path = NodePath.from_raw(raw)
        except InvalidURI:
            return None
        return grantors.of_node(caller, path)

    return find


_LIST: Final = f"{STORAGE}/list"
