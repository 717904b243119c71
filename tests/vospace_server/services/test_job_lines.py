"""JobLineService: the jobs of a node are those that named it or a folder above it."""

import json
from dataclasses import replace

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.transfers import InternalTransfer
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import TransferRequest, encode_request
from vospace_server.domain.tree_request import TreeDeletion, encode_tree_request
from vospace_server.services.job_lines import MOST_LINES_OF_A_NODE, JobLineService
from vospace_server.services.jobs import JobKind, JobService, NewJob


class Desk:
    """Jobs of a space, and the lists of them."""

    def __init__(self, space: TreeSpace) -> None:
        self.space = space
        self.jobs = JobService(database=space.database, wake_runner=lambda: None)
        self.lines = JobLineService(tree=space.tree)
        self.bob = replace(space.alice, user_id=space.alice.user_id + 1, name="bob")

    def make(self, kind: JobKind, request: str, caller: Caller | None = None) -> str:
        """The id of a new job."""
        new = NewJob(kind=kind, request=request)
        return self.jobs.create(self.space.alice if caller is None else caller, new).job_id

    def deletion(self, path: str, caller: Caller | None = None) -> str:
        """The id of a job that is to delete a tree."""
        target = TreeDeletion(target=self.space.tree.uri(at(path)))
        return self.make(JobKind.DELETE, encode_tree_request(target, TokenScope.WRITE), caller)

    def copy(self, source: str, destination: str) -> str:
        """The id of a job that is to copy."""
        uri = self.space.tree.uri
        transfer = InternalTransfer(
            source=uri(at(source)), destination=uri(at(destination)), keep_bytes=True
        )
        asked = TransferRequest(transfer=transfer, scope=TokenScope.WRITE)
        return self.make(JobKind.LONG_TRANSFER, encode_request(asked))

    def about(self, path: str, *, own: bool = True) -> list[str]:
        """The ids of the jobs of a node, of Alice's or Bob's."""
        caller = self.space.alice if own else self.bob
        return [line.job_id for line in self.lines.about(caller, at(path))]


@pytest.fixture
def desk(each_space: TreeSpace) -> Desk:
    """A desk on each database."""
    return Desk(each_space)


def test_a_node_has_the_jobs_that_named_it_or_a_folder_above(desk: Desk) -> None:
    above, there, beside = map(desk.deletion, ("/alice", "/alice/d é?", "/alice/d"))
    copied = desk.copy("/alice/d é?", "/alice/x")

    assert set(desk.about("/alice/d é?")) == {above, there, copied}
    assert set(desk.about("/alice/d é?/below")) == {above, there, copied}
    assert set(desk.about("/alice/d/below")) == {above, beside}
    assert set(desk.about("/alice/x")) == {above, copied}
    assert desk.about("/") == []


def test_nobody_sees_the_jobs_of_others(desk: Desk) -> None:
    desk.deletion("/alice/d")
    theirs = desk.deletion("/alice/d", desk.bob)
    desk.deletion("/alice/d", ANONYMOUS)

    assert desk.about("/alice/d", own=False) == [theirs]


def test_the_newest_come_first_and_not_more_than_a_panel_holds(desk: Desk) -> None:
    made = [desk.deletion("/alice/d") for _ in range(MOST_LINES_OF_A_NODE + 3)]

    assert desk.about("/alice/d") == made[:2:-1]


def test_a_direct_transfer_and_a_job_that_is_forgotten_are_not_listed(desk: Desk) -> None:
    uri = str(desk.space.tree.uri(at("/alice/f")))
    desk.make(JobKind.SYNC_TRANSFER, json.dumps({"transfer": {"targets": [uri]}, "scope": 2}))
    forgotten = desk.deletion("/alice/f")
    desk.jobs.remove(desk.space.alice, forgotten)

    assert desk.about("/alice/f") == []


def test_a_package_of_many_targets_is_found_by_each(desk: Desk) -> None:
    uris = [str(desk.space.tree.uri(at(f"/alice/{n}"))) for n in range(50)]
    job = desk.make(
        JobKind.PACKAGE, json.dumps({"transfer": {"targets": [*uris, *uris]}, "scope": 2})
    )

    assert desk.about("/alice/0") == desk.about("/alice/49") == [job]


def test_a_name_longer_than_an_index_takes_is_found(desk: Desk) -> None:
    path = "/alice" + f"/{'é' * 127}" * 40
    job = desk.deletion(path)

    assert desk.about(path) == [job]
