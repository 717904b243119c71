"""From nodes to what stat(2) shows."""

import dataclasses
import os
import pwd

import pytest

from tests.vofs.entries import entry_of
from vofs.filesystem.mode_bits import access_change, mode_of
from vofs.kernel.attributes import AttributeMapper
from vospace_model.nodes import NodeType

GROUP = "ivo://localhost/gms?HST-RO"
ENTRY = entry_of(
    length=1025, mtime_ns=1_700_000_000_000_000_001, ctime_ns=1_700_000_001_000_000_002
)


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, 0o100600),
        ({"public": True}, 0o100644),
        ({"read_groups": (GROUP,)}, 0o100640),
        ({"write_groups": (GROUP,)}, 0o100660),
        ({"write_groups": (GROUP,), "public": True}, 0o100664),
        ({"locked": True, "write_groups": (GROUP,)}, 0o100440),
        ({"type": NodeType.CONTAINER}, 0o40700),
        ({"type": NodeType.CONTAINER, "public": True}, 0o40755),
        ({"type": NodeType.CONTAINER, "read_groups": (GROUP,)}, 0o40750),
        ({"type": NodeType.LINK, "target": "vos://a~b/c"}, 0o120777),
    ],
)
def test_mode_shows_owner_groups_and_public(changes: dict[str, object], mode: int) -> None:
    assert oct(mode_of(dataclasses.replace(ENTRY, **changes))) == oct(mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "mode", "expected"),
    [
        ({}, 0o644, (True, None, None)),
        ({"public": True}, 0o600, (False, None, None)),
        ({}, 0o700, (None, None, None)),
        ({"read_groups": (GROUP,)}, 0o660, (None, (), (GROUP,))),
        ({"write_groups": (GROUP,)}, 0o640, (None, (GROUP,), ())),
        ({"read_groups": (GROUP,)}, 0o600, (None, (), None)),
        ({}, 0o660, (None, None, None)),
    ],
)
def test_mode_changes_what_a_vospace_can_hold(
    changes: dict[str, object], mode: int, expected: tuple[object, object, object]
) -> None:
    change = access_change(dataclasses.replace(ENTRY, **changes), mode)  # type: ignore[arg-type]
    assert (change.public, change.read_groups, change.write_groups) == expected


def test_owner_is_the_local_user_of_that_name_or_who_mounts() -> None:
    local = pwd.getpwuid(0)
    mapper = AttributeMapper(caller="durand", uid=4711, gid=4712)
    assert mapper.attributes(ENTRY).uid == 4711
    other = dataclasses.replace(ENTRY, owner=local.pw_name)
    assert mapper.attributes(other).uid == 0
    unknown = dataclasses.replace(ENTRY, owner="nobody-of-that-name")
    assert (mapper.attributes(unknown).uid, mapper.attributes(unknown).gid) == (4711, 4712)
    assert AttributeMapper(caller=None).attributes(ENTRY).uid == os.getuid()


def test_sizes_and_times_are_the_nodes() -> None:
    shown = AttributeMapper(caller=None).attributes(ENTRY)
    assert (shown.size, shown.blocks, shown.links) == (1025, 3, 1)
    assert (shown.mtime_ns, shown.ctime_ns) == (ENTRY.mtime_ns, ENTRY.ctime_ns)
    link = dataclasses.replace(ENTRY, type=NodeType.LINK, target="vos://a~b/é")
    assert AttributeMapper(caller=None).attributes(link).size == len("vos://a~b/é".encode())
