"""Groups in an identity: by user, certificate, e-mail and group; nested, ending, changing."""

from datetime import timedelta

import pytest

from tests.vospace_server.auth.conftest import Desk
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.credentials import PasswordCredentials
from vospace_server.domain.identity import OPERATOR
from vospace_server.services.accounts import NewUser

PASSWORD = "correct horse"


@pytest.fixture
def peopled(desk: Desk) -> Desk:
    """The user ann, and the groups g1 to g4 that she owns."""
    desk.accounts.add(
        NewUser(
            name="ann",
            password=PASSWORD,
            email="Ann@Example.org",
            distinguished_names=["/C=CA/O=Grid/CN=Ann Example"],
        ),
        by=OPERATOR,
    )
    for number in range(1, 5):
        desk.groups.add(f"g{number}", owner="ann", description="", by=OPERATOR)
    return desk


def join(desk: Desk, group: str, member: str, *, hours: float | None = None) -> None:
    expires = None if hours is None else desk.clock.now + timedelta(hours=hours)
    desk.groups.add_member(group, member, expires=expires, by=OPERATOR)


def groups_of_ann(desk: Desk, authenticator: Authenticator | None = None) -> list[str]:
    credentials = PasswordCredentials(name="ann", password=PASSWORD)
    identity = (authenticator or desk.authenticator).authenticate(credentials, address="")
    return sorted(uri.removeprefix("ivo://localhost/gms?") for uri in identity.groups)


def test_the_owner_of_a_group_is_not_thereby_a_member(peopled: Desk) -> None:
    assert groups_of_ann(peopled) == []


@pytest.mark.parametrize(
    "member",
    [
        "ann",
        "user:ann",
        "ann@example.ORG",
        "email:ann@example.org",
        "CN=Ann Example, O=Grid, C=CA",
        "dn:/C=CA/O=Grid/CN=ann example",
    ],
)
def test_one_is_a_member_by_name_by_email_and_by_certificate(
    peopled: Desk, member: str
) -> None:
    join(peopled, "g1", member)

    assert groups_of_ann(peopled) == ["g1"]


@pytest.mark.parametrize(
    "spelling",
    [
        "ivo://localhost/gms?g1",
        "ivo://localhost/gms#g1",
        "ivo://cadc.nrc.ca/gms?g1",
        "group:g1",
    ],
)
def test_members_of_a_group_in_a_group_belong_to_both(peopled: Desk, spelling: str) -> None:
    join(peopled, "g1", "ann")
    join(peopled, "g2", spelling)
    join(peopled, "g3", "group:g2")

    assert groups_of_ann(peopled) == ["g1", "g2", "g3"]


def test_groups_that_contain_each_other_end(peopled: Desk) -> None:
    join(peopled, "g1", "group:g2")
    join(peopled, "g2", "group:g3")
    join(peopled, "g3", "group:g1")
    join(peopled, "g4", "group:g4")
    join(peopled, "g2", "ann")

    assert groups_of_ann(peopled) == ["g1", "g2", "g3"]


def test_a_membership_ends_by_itself(peopled: Desk) -> None:
    join(peopled, "g1", "ann", hours=1)
    assert groups_of_ann(peopled) == ["g1"]

    peopled.clock.move(hours=1)

    assert groups_of_ann(peopled) == []


def test_a_membership_of_a_group_in_a_group_ends_by_itself(peopled: Desk) -> None:
    join(peopled, "g1", "ann")
    join(peopled, "g2", "group:g1", hours=1)
    assert groups_of_ann(peopled) == ["g1", "g2"]

    peopled.clock.move(minutes=61)

    assert groups_of_ann(peopled) == ["g1"]


def test_every_process_sees_a_change_with_the_next_request(peopled: Desk) -> None:
    other = peopled.another_process()
    assert groups_of_ann(peopled, other) == []

    join(peopled, "g1", "ann")
    assert groups_of_ann(peopled, other) == groups_of_ann(peopled) == ["g1"]

    peopled.groups.remove_member("g1", "ann", by=OPERATOR)
    assert groups_of_ann(peopled, other) == groups_of_ann(peopled) == []


def test_a_group_of_another_service_may_be_a_member(peopled: Desk) -> None:
    join(peopled, "g1", "ivo://other.org/gms?theirs")

    assert peopled.groups.get("g1").members[0].value == "ivo://other.org/gms?theirs"
    assert groups_of_ann(peopled) == []
