"""Group documents of CADC's group service."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from vospace_model import (
    Fault,
    GroupDocument,
    GroupUser,
    IdentityType,
    InvalidArgument,
    PropertyOfGroup,
    RequestEntityTooLarge,
    UserIdentity,
)
from vospace_model.xml import read_group, write_group, write_groups


def user(name: str, distinguished_name: str, number: int) -> GroupUser:
    return GroupUser(
        internal_id=f"ivo://localhost/gms?{number}",
        identities=(
            UserIdentity(type=IdentityType.HTTP, name=name),
            UserIdentity(type=IdentityType.X500, name=distinguished_name),
        ),
    )


ANN, BOB = user("ann", "cn=ann,c=ca", 1), user("bob & co", "cn=bob,c=ca", 2)

GROUP = GroupDocument(
    uri="ivo://localhost/gms?HST-RO",
    owner=ANN,
    description="Reads <all> of HST",
    last_modified=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    properties=(PropertyOfGroup(key="n", value="3", type="Integer", read_only=True),),
    user_members=(ANN, BOB),
    group_members=("ivo://localhost/gms?staff",),
    user_admins=(BOB,),
    group_admins=("ivo://localhost/gms?leads",),
)


def test_a_group_is_written_as_reviewed(golden: Callable[[str, bytes], None]) -> None:
    """Contract 3.3: CADC's client takes a list without white space in it for empty."""
    golden("group.xml", write_group(GROUP))


def test_an_empty_group_is_written_as_reviewed(golden: Callable[[str, bytes], None]) -> None:
    golden("group-empty.xml", write_group(GroupDocument(uri="ivo://localhost/gms?empty")))


def test_the_groups_that_were_found_are_written_as_reviewed(
    golden: Callable[[str, bytes], None],
) -> None:
    golden("groups.xml", write_groups(["ivo://localhost/gms?a", "ivo://localhost/gms?b"]))


def test_what_is_written_is_read_back_but_for_what_the_service_knows_better() -> None:
    again = read_group(write_group(GROUP))

    assert again.description == GROUP.description
    assert again.properties == GROUP.properties
    assert again.group_members == GROUP.group_members
    assert again.group_admins == GROUP.group_admins
    assert [each.identities for each in again.user_members] == [
        ANN.identities,
        BOB.identities,
    ]
    assert [each.name_of("HTTP") for each in again.user_admins] == ["bob & co"]
    assert again.user_admins[0].name_of("POSIX") is None
    assert (again.owner, again.last_modified) == (None, None)


def test_a_group_as_the_client_of_cadc_writes_it_is_read(
    received: Callable[[str], bytes],
) -> None:
    group = read_group(received("cadc-groups-update.xml"))

    assert group.uri == "ivo://cadc.nrc.ca/gms?staff"
    assert group.description == "All staff"
    assert [each.name_of("HTTP") for each in group.user_admins] == ["bob"]
    assert group.group_members == ("ivo://cadc.nrc.ca/gms?leads",)
    assert group.user_members == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<group/>", InvalidArgument),
        ("<groups uri='ivo://a/gms?b'/>", InvalidArgument),
        ("<group xmlns='urn:x' uri='ivo://a/gms?b'/>", InvalidArgument),
        ("<group uri='ivo://a/gms?b'><userMembers/><userMembers/></group>", InvalidArgument),
        (
            "<group uri='ivo://a/gms?b'><description>a<b/></description></group>",
            InvalidArgument,
        ),
        (
            "<group uri='ivo://a/gms?b'><groupMembers><group/></groupMembers></group>",
            InvalidArgument,
        ),
        ("<!DOCTYPE group [<!ENTITY e 'x'>]><group uri='&e;'/>", InvalidArgument),
        ("<group uri='ivo://a/gms?b'>" + " " * 200 + "</group>", RequestEntityTooLarge),
    ],
)
def test_what_is_no_group_is_refused(text: str, fault: type[Fault]) -> None:
    with pytest.raises(fault):
        read_group(text.encode(), max_bytes=150)
