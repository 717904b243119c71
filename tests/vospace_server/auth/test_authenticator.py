"""Who one is: passwords, tokens, and the exact words of each refusal."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.vospace_server.auth.conftest import Desk
from vospace_model.faults import NotAuthenticated, ServiceBusy
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.credentials import PasswordCredentials, TokenCredentials
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import NewUser

PASSWORD = "correct horse"


@pytest.fixture
def ann(desk: Desk) -> str:
    desk.accounts.add(NewUser(name="ann", password=PASSWORD), by=OPERATOR)
    return "ann"


def log_in(
    authenticator: Authenticator, name: str, password: str, address: str = "127.0.0.1"
) -> Identity:
    credentials = PasswordCredentials(name=name, password=password)
    return authenticator.authenticate(credentials, address=address)


def present(authenticator: Authenticator, token: str) -> Identity:
    return authenticator.authenticate(TokenCredentials(token=token), address="127.0.0.1")


def make_token(
    desk: Desk, scope: TokenScope = TokenScope.WRITE, lifetime: timedelta | None = None
) -> str:
    return desk.accounts.make_token(
        "ann", scope=scope, lifetime=lifetime, label="test", by=OPERATOR
    )


def refusal(authenticator: Authenticator, name: str, password: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        log_in(authenticator, name, password)
    return caught.value.detail


def token_refusal(authenticator: Authenticator, token: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        present(authenticator, token)
    return caught.value.detail


def test_the_right_password_is_the_user_with_every_scope(desk: Desk, ann: str) -> None:
    identity = log_in(desk.authenticator, ann, PASSWORD)

    assert (identity.name, identity.is_admin) == ("ann", False)
    assert identity.scope == TokenScope.ADMIN
    assert not identity.acts_as_admin


def test_a_wrong_password_and_an_unknown_user_are_refused_in_the_same_words(
    desk: Desk, ann: str
) -> None:
    assert refusal(desk.authenticator, ann, "wrong horse") == "wrong user name or password"
    assert refusal(desk.authenticator, "bob", PASSWORD) == "wrong user name or password"


def test_a_wrong_password_and_an_unknown_user_take_the_same_time(desk: Desk, ann: str) -> None:
    def fastest(name: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            refusal(desk.authenticator, name, "wrong horse")
            times.append(time.perf_counter() - began)
        return min(times)

    known, unknown = fastest(ann), fastest("bob")

    assert 0.4 < known / unknown < 2.5


def test_an_account_without_password_lets_no_password_in(desk: Desk) -> None:
    desk.accounts.add(NewUser(name="robot"), by=OPERATOR)

    assert refusal(desk.authenticator, "robot", "") == "wrong user name or password"


def test_the_second_login_within_a_minute_costs_no_hash(desk: Desk, ann: str) -> None:
    log_in(desk.authenticator, ann, PASSWORD)
    log_in(desk.authenticator, ann, PASSWORD)

    assert desk.passwords.checks == 1

    desk.clock.move(seconds=61)
    log_in(desk.authenticator, ann, PASSWORD)

    assert desk.passwords.checks == 2


def test_a_wrong_password_is_refused_while_the_right_one_is_remembered(
    desk: Desk, ann: str
) -> None:
    log_in(desk.authenticator, ann, PASSWORD)

    assert refusal(desk.authenticator, ann, PASSWORD + "!") == "wrong user name or password"


def test_a_changed_password_ends_the_old_one_at_once_in_every_process(
    desk: Desk, ann: str
) -> None:
    other = desk.another_process()
    log_in(desk.authenticator, ann, PASSWORD)
    log_in(other, ann, PASSWORD)

    desk.accounts.set_password(ann, "battery staple", by=OPERATOR)

    for authenticator in (desk.authenticator, other):
        assert refusal(authenticator, ann, PASSWORD) == "wrong user name or password"
        assert log_in(authenticator, ann, "battery staple").name == "ann"


def test_a_disabled_account_is_shut_out_at_once_with_password_and_token(
    desk: Desk, ann: str
) -> None:
    token = make_token(desk)
    log_in(desk.authenticator, ann, PASSWORD)
    present(desk.authenticator, token)

    desk.accounts.set_disabled(ann, disabled=True, by=OPERATOR)

    assert refusal(desk.authenticator, ann, PASSWORD) == "the account 'ann' is disabled"
    assert token_refusal(desk.authenticator, token) == "the account 'ann' is disabled"
    assert refusal(desk.authenticator, ann, "a guess") == "wrong user name or password"

    desk.accounts.set_disabled(ann, disabled=False, by=OPERATOR)

    assert log_in(desk.authenticator, ann, PASSWORD).name == "ann"


def test_a_token_is_its_user_within_its_scope(desk: Desk) -> None:
    desk.accounts.add(NewUser(name="ann", password=PASSWORD, is_admin=True), by=OPERATOR)

    reader = present(desk.authenticator, make_token(desk, TokenScope.READ))
    admin = present(desk.authenticator, make_token(desk, TokenScope.ADMIN))

    assert (reader.name, reader.may_write, reader.acts_as_admin) == ("ann", False, False)
    assert (admin.may_write, admin.acts_as_admin) == (True, True)


def test_an_expired_token_is_told_when_it_expired(desk: Desk, ann: str) -> None:
    token = make_token(desk, lifetime=timedelta(hours=1))
    present(desk.authenticator, token)

    desk.clock.move(hours=1)

    message = "the token expired at 2026-01-01T01:00:00Z"
    assert token_refusal(desk.authenticator, token) == message


def test_a_revoked_token_is_refused_at_once_in_every_process(desk: Desk, ann: str) -> None:
    token = make_token(desk)
    other = desk.another_process()
    present(desk.authenticator, token)
    present(other, token)

    number = desk.accounts.tokens(ann)[0].token_id
    desk.accounts.revoke_token(ann, number, by=OPERATOR)

    for authenticator in (desk.authenticator, other):
        assert token_refusal(authenticator, token) == "the token was revoked"


def test_an_unknown_token_is_refused(desk: Desk) -> None:
    assert token_refusal(desk.authenticator, "vost_nonsense") == "the token is unknown"


def test_the_database_does_not_hold_the_token(desk: Desk, ann: str) -> None:
    token = make_token(desk)

    with desk.database.read() as unit:
        connection = unit.tokens._connection
        rows = connection.exec_driver_sql("SELECT * FROM token").all()

    assert len(rows) == 1
    assert token not in repr(rows)


def test_the_use_of_a_token_is_recorded_every_quarter_of_an_hour(desk: Desk, ann: str) -> None:
    token = make_token(desk)
    began = desk.clock.now

    present(desk.authenticator, token)
    desk.clock.move(minutes=14)
    present(desk.authenticator, token)
    assert desk.accounts.tokens(ann)[0].last_used == began

    desk.clock.move(minutes=1)
    present(desk.authenticator, token)
    assert desk.accounts.tokens(ann)[0].last_used == began + timedelta(minutes=15)


def test_after_five_wrong_passwords_an_account_waits_for_a_minute(desk: Desk, ann: str) -> None:
    for _ in range(5):
        refusal(desk.authenticator, ann, "wrong horse")

    with pytest.raises(ServiceBusy) as caught:
        log_in(desk.authenticator, ann, PASSWORD)
    assert caught.value.detail == "too many wrong passwords; try again in 60 s"
    assert caught.value.retry_after_seconds == 60

    desk.clock.move(seconds=60)
    assert log_in(desk.authenticator, ann, PASSWORD).name == "ann"


def test_a_session_that_runs_goes_on_while_somebody_guesses_its_password(
    desk: Desk, ann: str
) -> None:
    log_in(desk.authenticator, ann, PASSWORD)
    for _ in range(5):
        refusal(desk.authenticator, ann, "wrong horse")

    assert log_in(desk.authenticator, ann, PASSWORD).name == "ann"


def test_an_address_that_tries_many_accounts_waits(desk: Desk, ann: str) -> None:
    for number in range(20):
        refusal(desk.authenticator, f"user{number}", "wrong horse")

    with pytest.raises(ServiceBusy):
        log_in(desk.authenticator, ann, PASSWORD)

    assert log_in(desk.authenticator, ann, PASSWORD, address="10.0.0.1").name == "ann"


def test_a_password_of_a_megabyte_is_refused_without_being_hashed(desk: Desk, ann: str) -> None:
    assert refusal(desk.authenticator, ann, "x" * 10**6) == "wrong user name or password"
    assert desk.passwords.checks == 0


def test_many_threads_log_in_at_once(desk: Desk, ann: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        names = list(
            threads.map(lambda _: log_in(desk.authenticator, ann, PASSWORD).name, range(64))
        )

    assert names == ["ann"] * 64


def test_a_token_is_remembered_until_anything_is_committed_by_anybody(
    desk: Desk, ann: str
) -> None:
    token = make_token(desk)
    credentials = TokenCredentials(token=token)
    before = desk.authenticator.remembered(credentials)
    first = present(desk.authenticator, token)
    # The first use of a token is written down, which is a commit; the second sees no change.
    second = present(desk.authenticator, token)

    assert before is None
    assert desk.authenticator.remembered(credentials) == first == second
    desk.accounts.add(NewUser(name="bob", password=None), by=OPERATOR)
    assert desk.authenticator.remembered(credentials) is None
    assert present(desk.authenticator, token) == first
    assert desk.authenticator.remembered(credentials) == first


def test_a_remembered_token_ends_with_its_time(desk: Desk, ann: str) -> None:
    token = make_token(desk, lifetime=timedelta(minutes=10))
    credentials = TokenCredentials(token=token)
    present(desk.authenticator, token)
    present(desk.authenticator, token)
    assert desk.authenticator.remembered(credentials) is not None

    desk.clock.move(minutes=10)

    with pytest.raises(NotAuthenticated, match="the token expired at"):
        desk.authenticator.remembered(credentials)


def test_a_password_is_never_remembered_without_asking(desk: Desk, ann: str) -> None:
    log_in(desk.authenticator, "ann", PASSWORD)
    credentials = PasswordCredentials(name="ann", password=PASSWORD)

    assert desk.authenticator.remembered(credentials) is None


def test_one_look_tells_of_many_tokens_who_still_holds_which(desk: Desk, ann: str) -> None:
    kept, revoked, unknown = (
        TokenCredentials(token=each) for each in (make_token(desk), make_token(desk), "vst_no")
    )
    identities = [present(desk.authenticator, each.token) for each in (kept, revoked)]
    together = [kept, revoked, unknown]
    assert desk.authenticator.remembered_together(together) == [*identities, None]

    number = max(each.token_id for each in desk.accounts.tokens(ann))
    desk.accounts.revoke_token(ann, number, by=OPERATOR)

    # What changed must be read anew, and `authenticate` does.
    assert desk.authenticator.remembered_together(together) == [None] * 3
    assert present(desk.authenticator, kept.token) == identities[0]
    assert token_refusal(desk.authenticator, revoked.token) == "the token was revoked"
    after = desk.authenticator.remembered_together(together)
    assert after[0] == identities[0]
    assert isinstance(after[1], NotAuthenticated)
    # A look spares the next one on SQLite, where it is certain that nothing was committed.
    assert desk.authenticator.remembered(kept) == identities[0]
