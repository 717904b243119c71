"""Aliases of open files that lost their path, and the removals that wait for a rename."""

import threading
import time

import pytest

from tests.vofs.entries import entry_of
from vofs.filesystem.aliases import Aliases, is_alias
from vofs.filesystem.kernel_versions import VersionReplaced
from vofs.filesystem.keyed_locks import KeyedLocks
from vofs.filesystem.removals import Removals
from vospace_model.faults import InternalFault, NodeNotFound
from vospace_model.uris import NodePath

PATH = NodePath(("d", "f"))
ENTRY = entry_of(length=10)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".fuse_hidden0000000100000002", True),
        (".vofs-detached-17", True),
        (".fuse_hidden", False),
        (".fuse_hiddenXX", False),
        (".vofs-detached-x", False),
        (".bashrc", False),
        ("f", False),
    ],
)
def test_names_that_are_aliases(name: str, expected: bool) -> None:
    assert is_alias(name) is expected


def test_alias_answers_as_long_as_its_file_is_open() -> None:
    aliases = Aliases()
    alias = NodePath(("d", aliases.new_name()))
    with pytest.raises(NodeNotFound):
        aliases.entry(alias)
    is_open = [True]
    aliases.give(alias, lambda: ENTRY if is_open else None)
    assert aliases.entry(alias) is ENTRY
    is_open.clear()
    for _ in range(2):
        with pytest.raises(VersionReplaced):
            aliases.entry(alias)
        aliases.sweep()


def test_alias_that_was_dropped_is_not_found() -> None:
    aliases = Aliases()
    alias = NodePath((".fuse_hidden0000000100000002",))
    aliases.give(alias, lambda: ENTRY)
    aliases.drop(alias)
    with pytest.raises(NodeNotFound):
        aliases.entry(alias)


class Space:
    """What happened to nodes: removed, known to be removed, or not."""

    def __init__(self) -> None:
        self.deleted: list[NodePath] = []
        self.failed: list[NodePath] = []
        self.error: Exception | None = None
        self.may_delete = threading.Event()
        self.may_delete.set()
        self.removals = Removals(
            delete=self._delete, on_removed=lambda _path: None, on_failed=self.failed.append
        )

    def _delete(self, path: NodePath) -> None:
        self.may_delete.wait(10)
        if self.error is not None:
            raise self.error
        self.deleted.append(path)


def test_removal_is_done_a_moment_later() -> None:
    space = Space()
    space.removals.schedule(PATH)
    assert space.removals.is_pending(PATH)
    space.removals.settle(PATH)
    assert space.deleted == [PATH]
    assert space.removals.is_idle()


def test_rename_takes_a_removal_over() -> None:
    space = Space()
    space.removals.schedule(PATH)
    space.removals.take_over(PATH)
    assert space.removals.is_idle()
    time.sleep(0.05)
    assert space.deleted == []


def test_rename_waits_for_a_removal_that_has_begun() -> None:
    space = Space()
    space.may_delete.clear()
    space.removals.schedule(PATH)
    time.sleep(0.05)
    threading.Timer(0.1, space.may_delete.set).start()
    space.removals.take_over(PATH)
    assert space.deleted == [PATH]


@pytest.mark.logs("was removed here and not on the service")
def test_removal_that_fails_is_told() -> None:
    space = Space()
    space.error = InternalFault("oops")
    space.removals.schedule(PATH)
    space.removals.settle_all()
    assert space.failed == [PATH]


def test_node_that_is_gone_already_is_removed() -> None:
    space = Space()
    space.error = NodeNotFound("/d/f")
    space.removals.schedule(PATH)
    space.removals.settle_all()
    assert space.failed == []


def test_lock_of_a_key_is_held_by_one_and_forgotten_afterwards() -> None:
    locks = KeyedLocks()
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with locks.held("key"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.001)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    with locks.held("another"):
        pass
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert locks._locks == {}
