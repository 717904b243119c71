"""Sessions on both engines: when they are good, and that their end holds at once."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.vospace_server.services.tree_space import TreeSpace
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.sessions import SessionService

IDLE, LIFE = timedelta(hours=1), timedelta(hours=10)


class Desk:
    """Sessions of ann, at a time that the test moves."""

    def __init__(self, space: TreeSpace) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)
        self.database = space.database
        accounts = AccountService(database=space.database, hash_password=str)
        user = accounts.add(NewUser(name="ann"), by=OPERATOR)
        self.ann = Identity(
            user_id=user.user_id,
            name="ann",
            groups=frozenset(),
            is_admin=False,
            scope=TokenScope.ADMIN,
        )
        self.sessions = SessionService(
            database=space.database, idle=IDLE, life=LIFE, clock=lambda: self.now
        )


@pytest.fixture
def desk(each_space: TreeSpace) -> Desk:
    return Desk(each_space)


def test_a_session_is_found_by_its_cookie_and_by_nothing_else(desk: Desk) -> None:
    cookie = desk.sessions.begin(desk.ann)
    found = desk.sessions.find(cookie)

    assert found is not None
    assert (found.user_id, found.user_name) == (desk.ann.user_id, "ann")
    assert desk.sessions.find(cookie + "x") is None
    assert desk.sessions.find(found.digest) is None, "what is stored opens nothing"
    assert desk.sessions.find("") is None


def test_a_session_that_is_used_stays_and_one_that_is_not_ends(desk: Desk) -> None:
    used, unused = desk.sessions.begin(desk.ann), desk.sessions.begin(desk.ann)
    for _ in range(3):
        desk.now += timedelta(minutes=30)
        assert desk.sessions.find(used) is not None
    assert desk.sessions.find(unused) is None


def test_a_session_ends_in_any_case(desk: Desk) -> None:
    cookie = desk.sessions.begin(desk.ann)
    while desk.now < datetime(2026, 5, 1, 21, 30, tzinfo=UTC):
        desk.now += timedelta(minutes=30)
        assert desk.sessions.find(cookie) is not None
    desk.now += timedelta(minutes=30)
    assert desk.sessions.find(cookie) is None


def test_a_login_replaces_the_session_that_the_browser_had(desk: Desk) -> None:
    before = desk.sessions.begin(desk.ann)
    after = desk.sessions.begin(desk.ann, instead_of=before)

    assert desk.sessions.find(before) is None
    assert desk.sessions.find(after) is not None


def test_all_sessions_end_but_the_one_that_asks(desk: Desk) -> None:
    kept = desk.sessions.find(desk.sessions.begin(desk.ann))
    others = [desk.sessions.begin(desk.ann) for _ in range(3)]

    assert desk.sessions.end_all(desk.ann.user_id, by=desk.ann, but=kept) == 3
    assert desk.sessions.of_user(desk.ann.user_id) == [kept]
    assert [desk.sessions.find(each) for each in others] == [None] * 3


def test_a_session_that_ends_twice_is_no_error(desk: Desk) -> None:
    cookie = desk.sessions.begin(desk.ann)
    session = desk.sessions.find(cookie)
    assert session is not None
    desk.sessions.end(session, by=desk.ann)
    desk.sessions.end(session, by=desk.ann)
    assert desk.sessions.find(cookie) is None


def test_what_is_over_is_forgotten_at_the_next_login(desk: Desk) -> None:
    desk.sessions.begin(desk.ann)
    desk.now += IDLE
    desk.sessions.begin(desk.ann)
    with desk.database.read() as unit:
        assert len(unit.sessions.of_user(desk.ann.user_id)) == 1
